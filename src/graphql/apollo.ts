/** Apollo Server with every default that matters written out: nothing depends on the environment. */
import { ApolloServer, HeaderMap, type GraphQLRequestListener } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from './context.js';
import type { DocumentStore } from './document-store.js';
import type { Executor } from './executor.js';
import type { ErrorTable } from './format-error.js';
import { LIMITS, operationLimits } from './limits.js';

export interface ApolloSettings {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly errors: ErrorTable;
  readonly executor: Executor;
  readonly environment: 'development' | 'production' | 'test';
  /** Whether the endpoint shows Apollo Sandbox to a browser. */
  readonly sandbox: boolean;
  readonly introspection: boolean;
  readonly documents: DocumentStore;
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

/** Nothing of the answer's status and headers. */
const NO_HEAD = { headers: new HeaderMap() };

export function createApollo(settings: ApolloSettings): ApolloServer<RequestContext> {
  const { schema, log, errors, executor } = settings;
  const checked = Promise.resolve();
  const path: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: ({ document, operation, request, contextValue: context }) => {
      const { variables } = request;
      return operation
        ? (executor.check({ document, operation, variables, context }) ?? checked)
        : checked;
    },
    responseForOperation: async ({ document, request, contextValue: context, ...found }) => {
      const { variables } = request;
      // Apollo calls this without one, too, whatever the type says.
      const operation = found.operation as typeof found.operation | undefined;
      if (!operation) return null;
      const answer = await executor.execute({ document, operation, variables, context });
      if (!answer) return null;
      const { http, ...singleResult } = answer;
      return { http: http ?? NO_HEAD, body: { kind: 'single', singleResult } };
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
      { requestDidStart: () => Promise.resolve(path) },
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
