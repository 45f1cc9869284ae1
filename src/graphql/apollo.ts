/** Apollo Server as it is run here: every default that matters is said, none of it is left to the environment. */
import { ApolloServer, type GraphQLRequestListener } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from './context.js';
import { createErrorTable, toRequestError } from './format-error.js';
import { LIMITS, operationLimits } from './limits.js';
import { PageBudget } from './page-budget.js';
import { assertPermitted } from './permissions.js';

export interface ApolloSettings {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly environment: 'development' | 'production' | 'test';
  /** Whether a browser that opens the endpoint gets Apollo Sandbox. */
  readonly sandbox: boolean;
  readonly introspection: boolean;
}

/** What Sandbox opens with: the operation that all of this is about. */
const FIRST_OPERATION = {
  document: `mutation DeductStock($input: DeductStockInput!) {
  deductStock(input: $input) {
    results {
      ... on DeductedItem { index productId quantity remaining product { name available } }
      ... on FailedItem { index productId quantity error { code message retryable } }
    }
    replayed
  }
}`,
  variables: { input: { items: [{ productId: 'flash-sale', quantity: 1 }] } },
};

function notByHttp(): GraphQLError {
  return new GraphQLError(
    'A subscription is served over a WebSocket at this address, in the protocol graphql-transport-ws.',
    { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
  );
}

export function createApollo(settings: ApolloSettings): ApolloServer<RequestContext> {
  const { schema, log } = settings;
  const errors = createErrorTable(log, { suggestions: settings.introspection });
  const pages = new PageBudget(schema);
  const checked = Promise.resolve();
  const checks: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: ({ document, operation, request, contextValue }) => {
      if (!operation) return checked;
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw notByHttp();
      refuseEarly(schema, document, operation, contextValue);
      pages.assertKept(document, operation, request.variables ?? {});
      return checked;
    },
  };
  return new ApolloServer<RequestContext>({
    schema,
    logger: log,
    nodeEnv: settings.environment,
    introspection: settings.introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    cache: 'bounded',
    parseOptions: { maxLexicalTokens: LIMITS.tokens },
    validationOptions: { maxErrors: LIMITS.errors },
    validationRules: [operationLimits],
    includeStacktraceInErrorResponses: false,
    formatError: errors.formatError,
    // Signals are the process edge's.
    stopOnTerminationSignals: false,
    plugins: [
      errors.plugin,
      { requestDidStart: () => Promise.resolve(checks) },
      settings.sandbox
        ? ApolloServerPluginLandingPageLocalDefault({
            embed: true,
            footer: false,
            ...FIRST_OPERATION,
          })
        : ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** What the schema would refuse field by field is one answer here, with its HTTP status. */
function refuseEarly(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  context: RequestContext,
): void {
  const fragments = () =>
    Object.fromEntries(
      document.definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
      ),
    );
  try {
    assertPermitted(context, { schema, operation }, fragments);
  } catch (error) {
    throw toRequestError(error);
  }
}
