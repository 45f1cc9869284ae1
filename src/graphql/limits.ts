/**
 * What an operation may ask for at most, checked with GraphQL's own validation, so that an operation that is sent again
 * with other variables is not measured again. Fragments are followed: what they hide counts as if it were written out.
 */
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type ASTVisitor,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

export const LIMITS = Object.freeze({
  tokens: 1_000,
  depth: 12,
  /** Fields under another name, and fields or fragments that stand again in the same selection. */
  aliases: 15,
  /** Fields in all, fragments written out. */
  fields: 1_000,
  /** At one place. */
  directives: 5,
  mutationFields: 1,
  /** Reported errors of one request: a flood of mistakes is not answered by a flood of errors. */
  errors: 10,
});

/** Introspection is exempt: its queries are deeper than ours, always the same, and GraphQL bounds them itself. */
const INTROSPECTION_FIELDS = new Set(['__schema', '__type']);

export function operationLimits(context: ValidationContext): ASTVisitor {
  return {
    Document: (document) => {
      const measure = new Measure((name) => context.getFragment(name));
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
        const size = measure.ofSelections(definition.selectionSet);
        const refuse = (message: string) => {
          context.reportError(new GraphQLError(message, { nodes: definition }));
        };
        for (const what of ['depth', 'aliases', 'fields', 'directives'] as const) {
          if (size[what] > LIMITS[what])
            refuse(`${COMPLAINTS[what]} at most ${LIMITS[what]} ${UNITS[what]}.`);
        }
        if (
          definition.operation === OperationTypeNode.MUTATION &&
          measure.mutationFields(definition) > 1
        ) {
          refuse('A mutation has one field: send each mutation in a request of its own.');
        }
      }
    },
  };
}

const COMPLAINTS = {
  depth: 'This operation is nested too deeply; allowed are',
  aliases: 'This operation repeats too many fields or fragments; allowed are',
  fields: 'This operation asks for too many fields; allowed are',
  directives: 'There are too many directives at one place; allowed are',
} as const;
const UNITS = {
  depth: 'levels',
  aliases: 'aliases and repetitions',
  fields: 'fields',
  directives: 'directives',
} as const;

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
  readonly directives: number;
}

const NOTHING: Size = { depth: 0, aliases: 0, fields: 0, directives: 0 };

class Measure {
  /** Each fragment is measured once, however often it is spread: the way to 2ⁿ fields stays a way of n steps. */
  private readonly fragments = new Map<string, Size>();

  constructor(
    private readonly fragment: (name: string) => FragmentDefinitionNode | null | undefined,
  ) {}

  ofSelections({ selections }: SelectionSetNode): Size {
    let size = NOTHING;
    const names = new Set<string>();
    for (const selection of selections) {
      const name = nameOf(selection);
      const again = name !== null && names.has(name);
      if (name !== null) names.add(name);
      size = sum(size, this.ofSelection(selection));
      if (again) size = { ...size, aliases: size.aliases + 1 };
    }
    return size;
  }

  /** The fields at the root of a mutation: each is a mutation of its own. */
  mutationFields({ selectionSet }: OperationDefinitionNode): number {
    return this.rootFields(selectionSet, new Set());
  }

  private ofSelection(selection: SelectionNode): Size {
    const here = { ...NOTHING, directives: selection.directives?.length ?? 0 };
    switch (selection.kind) {
      case Kind.FRAGMENT_SPREAD:
        return sum(here, this.ofFragment(selection.name.value));
      case Kind.INLINE_FRAGMENT:
        return sum(here, this.ofSelections(selection.selectionSet));
      case Kind.FIELD: {
        if (INTROSPECTION_FIELDS.has(selection.name.value)) return here;
        const inside = selection.selectionSet ? this.ofSelections(selection.selectionSet) : NOTHING;
        return {
          depth: inside.depth + 1,
          aliases: inside.aliases + (selection.alias ? 1 : 0),
          fields: inside.fields + 1,
          directives: Math.max(here.directives, inside.directives),
        };
      }
    }
  }

  private ofFragment(name: string): Size {
    const known = this.fragments.get(name);
    if (known) return known;
    // A fragment within itself is a mistake that GraphQL's own rules report; here it must only come to an end.
    this.fragments.set(name, NOTHING);
    const fragment = this.fragment(name);
    const size = fragment ? this.ofSelections(fragment.selectionSet) : NOTHING;
    this.fragments.set(name, size);
    return size;
  }

  private rootFields({ selections }: SelectionSetNode, spread: Set<string>): number {
    let fields = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields += selection.name.value.startsWith('__') ? 0 : 1;
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        fields += this.rootFields(selection.selectionSet, spread);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = this.fragment(selection.name.value);
        if (fragment) fields += this.rootFields(fragment.selectionSet, spread);
      }
    }
    return fields;
  }
}

function nameOf(selection: SelectionNode): string | null {
  switch (selection.kind) {
    case Kind.FIELD:
      return selection.alias ? null : selection.name.value;
    case Kind.FRAGMENT_SPREAD:
      return `...${selection.name.value}`;
    case Kind.INLINE_FRAGMENT:
      return null;
  }
}

function sum(a: Size, b: Size): Size {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: a.aliases + b.aliases,
    fields: a.fields + b.fields,
    directives: Math.max(a.directives, b.directives),
  };
}
