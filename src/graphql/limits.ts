/** What an operation may ask for at most. The same limits hold over HTTP and over WebSockets. */
import {
  GraphQLError,
  OperationTypeNode,
  TokenKind,
  visit,
  type ASTVisitor,
  type DocumentNode,
  type GraphQLSchema,
  type ValidationContext,
  type ValueNode,
} from 'graphql';
import type { ListSizes } from './node-cost.js';
import { surveyDocument, type Size, type Survey } from './survey.js';

export const LIMITS = Object.freeze({
  /** Outside of lists and input objects. Some of GraphQL's rules take quadratic time in these. */
  tokens: 1_000,
  /** With them: a hundred lines of stock or a hundred ids at each alias may be written into the text. */
  tokensInAll: 3_000,
  depth: 12,
  aliases: 15,
  fields: 1_000,
  /** At one place. */
  directives: 5,
  /** Inside introspection, whose lists aliases would multiply. */
  introspection: 0,
  mutationFields: 1,
  /** Entries of all lists together, by their weight. Nested lists multiply. */
  nodes: 1_000,
  /** Reported errors of one request, so that a flood of mistakes does not get a flood of errors. */
  errors: 10,
});

/**
 * A rule for GraphQL's validation, whose result Apollo caches with the document. GraphQL's own rules see nothing of a
 * document that this one refuses: they would take quadratic time for what was refused for its size.
 */
export function operationLimits(context: ValidationContext): ASTVisitor {
  return {
    Document: (document) => {
      const refusals = [...refusalsOf(context.getSchema(), document)];
      for (const refusal of refusals) context.reportError(refusal);
      // Null removes the document from the walk that all rules share.
      return refusals.length > 0 ? null : undefined;
    },
  };
}

function* refusalsOf(schema: GraphQLSchema, document: DocumentNode): Generator<GraphQLError> {
  const tokens = tokensOutsideOfValues(document);
  if (tokens > LIMITS.tokens) {
    yield new GraphQLError(
      `The document must not have more than ${LIMITS.tokens} tokens besides lists and input objects; got ${tokens}. ` +
        'Split it into several requests.',
    );
  }
  for (const { operation, survey } of surveyDocument(schema, document)) {
    const { size, rootFields } = survey;
    const refusal = (message: string) => new GraphQLError(message, { nodes: operation });
    for (const what of SIZES) {
      if (size[what] > LIMITS[what]) yield refusal(MESSAGES[what](size[what]));
    }
    const isMutation = operation.operation === OperationTypeNode.MUTATION;
    if (isMutation && rootFields > LIMITS.mutationFields) {
      yield refusal(
        `A mutation must have one field; got ${rootFields}. Send each mutation in a request of its own.`,
      );
    }
  }
}

function tokensOutsideOfValues(document: DocumentNode): number {
  const { tokenCount = 0 } = document;
  if (tokenCount <= LIMITS.tokens) return tokenCount;
  let inside = 0;
  const count = ({ loc }: ValueNode) => {
    for (let token = loc?.startToken ?? null; token; token = token.next) {
      if (token.kind !== TokenKind.COMMENT) inside += 1;
      if (token === loc?.endToken) break;
    }
    return false;
  };
  visit(document, { ListValue: count, ObjectValue: count });
  return tokenCount - inside;
}

const SIZES = ['depth', 'aliases', 'fields', 'directives', 'introspection'] as const;

const MESSAGES: Readonly<Record<keyof Size, (got: number) => string>> = {
  depth: (got) =>
    `The operation must not be nested deeper than ${LIMITS.depth} levels; got ${got}. Select less.`,
  aliases: (got) =>
    `The operation must not have more than ${LIMITS.aliases} aliases and repeated fields or fragments; ` +
    `got ${got}. Split it into several requests.`,
  fields: (got) =>
    `The operation must not select more than ${LIMITS.fields} fields, fragments written out; ` +
    `got ${got}. Select fewer or split it into several requests.`,
  directives: (got) =>
    `One place must not have more than ${LIMITS.directives} directives; got ${got}. Remove some.`,
  introspection: (got) =>
    `Introspection must have one __schema and no aliases or repetitions; got ${got} more. Remove them.`,
};

/** @throws GraphQLError with the code BAD_USER_INPUT where the survey does not allow these variables. */
export function assertVariablesAllowed(
  { nodes, notNull }: Survey,
  variables: Readonly<Record<string, unknown>>,
  sizes: Omit<ListSizes, 'entries'>,
): number {
  for (const [variable, field] of notNull) {
    if (variables[variable] !== null) continue;
    throw badInput(
      `${field} must not be null; the variable $${variable} is null. Leave it out or give it a value.`,
      { field },
    );
  }
  const count = Math.ceil(nodes?.(variables, { ...sizes, entries: 1 }) ?? 0);
  if (count <= LIMITS.nodes) return count;
  throw badInput(
    `The lists of this operation must not have more than ${LIMITS.nodes} nodes in all; got ${count}. ` +
      'Ask for smaller pages or fewer nested lists.',
  );
}

function badInput(message: string, more: object = {}): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'BAD_USER_INPUT', ...more, http: { status: 400 } },
  });
}
