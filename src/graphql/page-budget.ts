/**
 * Nested pages multiply, so they are counted before anything is read: the size of each page times the entries of the
 * pages around it, and times the lines of the mutation around it. What a field costs is declared at the field itself.
 *
 * An operation is looked through once; from then on only its numbers are filled in from the variables.
 */
import {
  GraphQLError,
  Kind,
  getNamedType,
  isInterfaceType,
  isObjectType,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../inventory/product-service.js';
import { LINES_MAX } from '../inventory/stock.js';

export const NODES_MAX = 1_000;

/** How many nodes a field may bring: from its arguments as they came, unchecked, and what each entry brings. */
type NodesOfField = (field: {
  readonly args: Readonly<Record<string, unknown>>;
  readonly childComplexity: number;
}) => number;

/** A field that is a page: its entries, and for each of them what is asked of it. */
export const nodesOfPage: NodesOfField = ({ args, childComplexity }) => {
  const given = args.first ?? args.last;
  // A size out of bounds or form is refused later, with a better message than this.
  const size = typeof given === 'number' ? given : PAGE_SIZE_DEFAULT;
  return Math.min(Math.max(size, 0), PAGE_SIZE_MAX) * (1 + childComplexity);
};

/** A mutation of lines: what is asked of each line's result. */
export const nodesOfLines: NodesOfField = ({ args, childComplexity }) => {
  const { items } = (args.input ?? {}) as { readonly items?: unknown };
  return (Array.isArray(items) ? Math.min(items.length, LINES_MAX) : 1) * childComplexity;
};

type Variables = Readonly<Record<string, unknown>>;
/** Null where no value of any variable brings a node. */
type Count = ((variables: Variables) => number) | null;

export class PageBudget {
  private readonly counts = new WeakMap<OperationDefinitionNode, Count>();

  constructor(private readonly schema: GraphQLSchema) {}

  /** @throws GraphQLError with the code BAD_USER_INPUT where the pages may have more entries than allowed. */
  assertKept(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): void {
    let count = this.counts.get(operation);
    if (count === undefined) {
      count = new Counting(this.schema, document).ofOperation(operation);
      this.counts.set(operation, count);
    }
    const nodes = count?.(variables) ?? 0;
    if (nodes <= NODES_MAX) return;
    throw new GraphQLError(
      `The pages of this operation may have ${nodes} nodes in all; at most ${NODES_MAX} are allowed.`,
      { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } },
    );
  }
}

/** Works on documents that GraphQL has found valid: every name is known and no fragment is within itself. */
class Counting {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.fragments.set(definition.name.value, definition);
      }
    }
  }

  ofOperation(operation: OperationDefinitionNode): Count {
    const count = this.ofSelections(
      operation.selectionSet,
      this.schema.getRootType(operation.operation),
    );
    if (!count) return null;
    const defaults = Object.fromEntries(
      (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
        defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
      ),
    );
    return (variables) => count({ ...defaults, ...variables });
  }

  private ofSelections(
    { selections }: SelectionSetNode,
    type: GraphQLNamedType | undefined | null,
  ): Count {
    const counts = selections.map((selection) => this.ofSelection(selection, type));
    const counting = counts.filter((count) => count !== null);
    if (counting.length === 0) return null;
    return (variables) => counting.reduce((sum, count) => sum + count(variables), 0);
  }

  private ofSelection(selection: SelectionNode, type: GraphQLNamedType | undefined | null): Count {
    switch (selection.kind) {
      case Kind.FIELD:
        return this.ofField(selection, type);
      case Kind.INLINE_FRAGMENT: {
        const { typeCondition, selectionSet } = selection;
        const inside = typeCondition ? this.schema.getType(typeCondition.name.value) : type;
        return this.ofSelections(selectionSet, inside);
      }
      case Kind.FRAGMENT_SPREAD: {
        const fragment = this.fragments.get(selection.name.value);
        if (!fragment) return null;
        const inside = this.schema.getType(fragment.typeCondition.name.value);
        return this.ofSelections(fragment.selectionSet, inside);
      }
    }
  }

  private ofField(node: FieldNode, type: GraphQLNamedType | undefined | null): Count {
    if (!isObjectType(type) && !isInterfaceType(type)) return null;
    const field = type.getFields()[node.name.value];
    if (!field) return null;
    const inside = node.selectionSet
      ? this.ofSelections(node.selectionSet, getNamedType(field.type))
      : null;
    const nodes = field.extensions.complexity as NodesOfField | undefined;
    if (!nodes || (nodes === nodesOfLines && !inside)) return inside;
    return (variables) =>
      nodes({ args: argumentsOf(node, variables), childComplexity: inside?.(variables) ?? 0 });
  }
}

function argumentsOf(node: FieldNode, variables: Variables): Record<string, unknown> {
  return Object.fromEntries(
    (node.arguments ?? []).map(({ name, value }) => [
      name.value,
      valueFromASTUntyped(value, variables),
    ]),
  );
}
