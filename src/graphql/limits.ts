/** What an operation may ask for at most. The same limits hold over HTTP and over WebSockets. */
import { GraphQLError, OperationTypeNode, type ASTVisitor, type ValidationContext } from 'graphql';
import { surveyDocument, type Size, type Survey } from './survey.js';

export const LIMITS = Object.freeze({
  tokens: 1_000,
  depth: 12,
  aliases: 15,
  fields: 1_000,
  /** At one place. */
  directives: 5,
  mutationFields: 1,
  /** Entries of all pages together. Nested pages multiply. */
  nodes: 1_000,
  /** Reported errors of one request, so that a flood of mistakes does not get a flood of errors. */
  errors: 10,
});

/** A rule for GraphQL's validation, whose result Apollo caches with the document. */
export function operationLimits(context: ValidationContext): ASTVisitor {
  return {
    Document: (document) => {
      for (const { operation, survey } of surveyDocument(context.getSchema(), document)) {
        const { size, rootFields } = survey;
        const refuse = (message: string) => {
          context.reportError(new GraphQLError(message, { nodes: operation }));
        };
        for (const what of SIZES) {
          if (size[what] > LIMITS[what]) refuse(MESSAGES[what](size[what]));
        }
        const isMutation = operation.operation === OperationTypeNode.MUTATION;
        if (isMutation && rootFields > LIMITS.mutationFields) {
          refuse(
            `A mutation must have one field; got ${rootFields}. Send each mutation in a request of its own.`,
          );
        }
      }
    },
  };
}

const SIZES = ['depth', 'aliases', 'fields', 'directives'] as const;

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
};

/** @throws GraphQLError with the code BAD_USER_INPUT where the pages may have more entries than allowed. */
export function assertNodesWithinLimit(
  { nodes }: Survey,
  variables: Readonly<Record<string, unknown>>,
): void {
  const count = nodes?.(variables) ?? 0;
  if (count <= LIMITS.nodes) return;
  throw new GraphQLError(
    `The pages of this operation must not have more than ${LIMITS.nodes} nodes in all; got ${count}. ` +
      'Ask for smaller pages or fewer nested ones.',
    { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } },
  );
}
