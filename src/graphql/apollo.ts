/** Apollo Server with every default that matters written out: nothing depends on the environment. */
import {
  ApolloServer,
  HeaderMap,
  type ApolloServerOptions,
  type GraphQLRequestListener,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from './context.js';
import type { DocumentStore } from './document-store.js';
import type { Executor } from './executor.js';
import type { ErrorTable } from './format-error.js';
import { LIMITS, operationLimits } from './limits.js';
import { notTrusted, type PersistedDocuments } from './persisted-documents.js';
import { sandboxPage } from './sandbox-page.js';

export interface ApolloSettings {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly errors: ErrorTable;
  readonly executor: Executor;
  readonly environment: 'development' | 'production' | 'test';
  /** Whether the endpoint shows Apollo Sandbox to a browser. */
  readonly sandbox: boolean;
  /** Whether there is another page for operations, for where Sandbox cannot be loaded. */
  readonly hasExplorer: boolean;
  readonly introspection: boolean;
  readonly documents: DocumentStore;
  readonly persisted: PersistedDocuments;
}

/** Nothing of the answer's status and headers. */
const NO_HEAD = { headers: new HeaderMap() };

export function createApollo(settings: ApolloSettings): ApolloServer<RequestContext> {
  const { schema, log, errors, executor, persisted } = settings;
  const checked = Promise.resolve();
  const path: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: ({ document, operation, source, request, contextValue: context }) => {
      const { variables, http } = request;
      if (http && !persisted.allows(source)) throw notTrusted();
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
    persistedQueries: { cache: cacheOf(persisted), ttl: null },
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
        ? sandboxPage(settings.hasExplorer)
        : ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** Apollo puts a prefix before the id, as other parts of it would share the cache. */
const ID_PREFIX = 'apq:';

function cacheOf(
  persisted: PersistedDocuments,
): NonNullable<ApolloServerOptions<RequestContext>['cache']> & object {
  const idOf = (key: string) => key.slice(ID_PREFIX.length);
  return {
    get: (key) => Promise.resolve(persisted.textOf(idOf(key))),
    set: (key, text) => {
      persisted.remember(idOf(key), text);
      return Promise.resolve();
    },
    delete: () => Promise.resolve(false),
  };
}
