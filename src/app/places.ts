/** The places of a run: where a tree is tested, made from the settings. */
import type { Project } from '../config/index.js';
import type { PlaceName } from '../model/index.js';
import { hostPlace, type ExecuteOptions, type Place } from '../run/index.js';

export type DockerModule = typeof import('../run/docker/index.js');

export function placesOf(project: Project, root: string, options: Pick<ExecuteOptions, 'outputFolder' | 'emit' | 'signal' | 'jobs'> & { readonly run: string; readonly env: Readonly<Record<string, string | undefined>> }, docker: DockerModule | null): (name: PlaceName) => Place {
  return (name) => {
    if (name === 'host' || docker === null) return hostPlace({ root, env: options.env, outputFolder: options.outputFolder, emit: options.emit });
    return docker.dockerPlace({
      root, environments: project.settings.docker.environments, layerCapacity: project.settings.docker.layer_capacity, stateFolder: project.directories.state, cacheFolder: project.directories.cache,
      outputFolder: options.outputFolder, runId: options.run, jobs: options.jobs, emit: options.emit, signal: options.signal, env: options.env,
    });
  };
}
