/** `suggest`: candidate tests for criteria that nothing verifies, out of every test of the project. */
import type { Project } from '../../config/index.js';
import { success, type Catalog, type Result } from '../../model/index.js';
import { isUnlinked, suggest } from '../../trace/index.js';
import { analyse } from './analyse.js';

export interface Suggestion {
  readonly criterion: string;
  readonly title: string;
  readonly candidates: readonly {
    readonly selector: string;
    readonly file: string;
    readonly line: number;
    readonly score: number;
    readonly reason: string;
  }[];
}

/** `found` is null when the id is unknown. Without an id: all open criteria; with one, it or all of its spec, linked or not. */
export async function suggestions(
  project: Project,
  id: string | undefined,
): Promise<Result<{ readonly found: readonly Suggestion[] | null; readonly catalog: Catalog }>> {
  const analysed = await analyse(project, true);
  if (!analysed.ok) return analysed;
  const { graph, scan, catalog } = analysed.value;
  const tests = scan.files.flatMap((file) => file.tests.filter((test) => test.kind === 'case'));
  const chosen = graph.criteria.filter((traced) =>
    id === undefined
      ? isUnlinked(traced) || traced.criterion.gap !== undefined
      : traced.criterion.id === id || traced.spec.id === id,
  );
  if (id !== undefined && chosen.length === 0 && !catalog.specs.some((spec) => spec.id === id))
    return success({ found: null, catalog });
  return success({
    catalog,
    found: chosen.map(({ criterion, links }) => ({
      criterion: criterion.id,
      title: criterion.title,
      candidates: suggest(
        criterion,
        tests,
        links.flatMap((link) => link.tests),
      )
        .slice(0, 5)
        .map((candidate) => ({
          selector: candidate.test.selector,
          file: candidate.test.file,
          line: candidate.test.line,
          score: candidate.score,
          reason: candidate.reason,
        })),
    })),
  });
}
