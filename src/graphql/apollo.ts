/** Apollo Server with every default that matters written out: nothing depends on the environment. */
import { ApolloServer, type GraphQLRequestListener } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import { GraphQLError, OperationTypeNode, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from './context.js';
import type { DocumentStore } from './document-store.js';
import { createErrorTable, toRequestError } from './format-error.js';
import { LIMITS, assertVariablesAllowed, operationLimits } from './limits.js';
import { assertPermitted } from './permissions.js';
import type { RefusalLog } from './refusal-log.js';
import { RoomForReads } from './room-for-reads.js';
import { fragmentsOf, surveyOf } from './survey.js';

export interface ApolloSettings {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  readonly environment: 'development' | 'production' | 'test';
  /** Whether the endpoint shows Apollo Sandbox to a browser. */
  readonly sandbox: boolean;
  readonly introspection: boolean;
  readonly documents: DocumentStore;
  /** Entries of lists that are read at the same time. */
  readonly readNodesMax: number;
}

/** What Sandbox opens with. */
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

function notOverHttp(): GraphQLError {
  return new GraphQLError(
    'Subscriptions are not served over HTTP; got one. ' +
      'Open a WebSocket at this address, with the protocol graphql-transport-ws.',
    { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
  );
}

async function charged(counted: Promise<void>): Promise<void> {
  try {
    await counted;
  } catch (error) {
    throw toRequestError(error);
  }
}

export function createApollo(settings: ApolloSettings): ApolloServer<RequestContext> {
  const { schema, log } = settings;
  const errors = createErrorTable({
    log,
    refusals: settings.refusals,
    suggestions: settings.introspection,
  });
  const checked = Promise.resolve();
  const reads = new RoomForReads(settings.readNodesMax);
  const checks: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: ({ document, operation, request, contextValue }) => {
      if (!operation) return checked;
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw notOverHttp();
      const survey = surveyOf(schema, operation, () => fragmentsOf(document));
      try {
        // The resolvers check it again; here the answer is one error with its HTTP status.
        assertPermitted(contextValue, survey);
      } catch (error) {
        throw toRequestError(error);
      }
      const { variables = {} } = request;
      const nodes = assertVariablesAllowed(survey, variables, contextValue.listSizes);
      if (operation.operation === OperationTypeNode.QUERY) {
        return nodes > 0 ? charged(reads.enter(contextValue, nodes)) : checked;
      }
      const { charge } = contextValue;
      const further = charge && survey.lines ? survey.lines(variables) - 1 : 0;
      return charge && further > 0 ? charged(charge(further)) : checked;
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
    documentStore: settings.documents,
    parseOptions: { maxLexicalTokens: LIMITS.tokensInAll },
    validationOptions: { maxErrors: LIMITS.errors },
    validationRules: [operationLimits],
    includeStacktraceInErrorResponses: false,
    formatError: errors.formatError,
    // main.ts handles signals.
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
