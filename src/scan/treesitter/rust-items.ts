/** Items of a Rust file with what stands around them. */
import type { Condition, SkipMark } from '../../model/index.js';
import { conditionOfItem, isConditional, type Attribute } from './rust-attributes.js';
import { strongest } from './skip.js';
import type { Syntax } from './syntax.js';

/** What surrounds an item. */
export interface Around {
  readonly modules: readonly string[];
  /** Modules and types: rustdoc's path, and that of symbols. */
  readonly items: readonly string[];
  readonly skip: SkipMark | null;
  readonly condition: Condition | null;
  /** False below `#[cfg(test)]`: rustdoc does not see what is there. */
  readonly documented: boolean;
}

export interface Item {
  readonly node: Syntax;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly docs: readonly Syntax[];
  /** Offset of its first attribute. */
  readonly start: number;
}

/** What an item's own attributes add to what surrounds it. */
export const underOwn = ({ attributes }: Item, around: Around): Pick<Around, 'skip' | 'condition'> => ({
  skip: strongest(around.skip, isConditional(attributes) ? 'conditional' : null),
  condition: conditionOfItem(around.condition, attributes),
});
