/**
 * The short way of a POST whose operation has a plan. Apollo's pipeline hashes the text, negotiates media types and
 * asks each plugin at each step, which costs more than a plan. All of that has one outcome for a request in the usual
 * form whose document Apollo has parsed and validated before. Such a request is answered here, in Apollo's words
 * (test/integration/http/known-operations.test.ts compares the two). Every other request is Apollo's.
 */
import {
  GraphQLError,
  getOperationAST,
  type DocumentNode,
  type FormattedExecutionResult,
  type OperationDefinitionNode,
} from 'graphql';
import type { ReadyOperation } from './compiled/compiled-operations.js';
import type { RequestContext } from './context.js';
import type { DocumentStore, KnownDocument } from './document-store.js';
import type { AskedOperation, Executor } from './executor.js';
import type { ErrorTable } from './format-error.js';
import { isRecord } from './is-record.js';
import { contentTypeOf, statusIn, type ResponseMedia } from './response-media.js';
import { notTrusted, withText, type PersistedDocuments } from './persisted-documents.js';

export interface KnownOperation extends Omit<AskedOperation, 'context'> {
  readonly known: KnownDocument;
  readonly ready: ReadyOperation;
}

export interface KnownAnswer {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: string;
}

const TYPE_HEADERS = {
  json: [['content-type', contentTypeOf('json')]],
  graphql: [['content-type', contentTypeOf('graphql')]],
} as const;
const SERVER_ERROR = 500;

export class KnownOperations {
  private readonly operations = new WeakMap<DocumentNode, OperationDefinitionNode>();

  constructor(
    private readonly settings: {
      readonly documents: DocumentStore;
      readonly executor: Executor;
      readonly errors: ErrorTable;
      readonly persisted: PersistedDocuments;
    },
  ) {}

  /** @param body the JSON of a POST. Null: Apollo must answer; nothing has happened. */
  find(body: unknown): KnownOperation | null {
    if (!isRecord(body)) return null;
    const { query, operationName = null, variables = null, extensions = null } = body;
    if (typeof query !== 'string' || extensions !== null) return null;
    if (variables !== null && !isRecord(variables)) return null;
    if (operationName !== null && typeof operationName !== 'string') return null;
    const known = this.settings.documents.known(query);
    if (!known || !this.settings.persisted.allows(query)) return null;
    const { document } = known;
    const operation = this.operationOf(document, operationName);
    if (!operation) return null;
    const found = { document, operation, variables: variables ?? undefined };
    const ready = this.settings.executor.ready(found);
    return ready && { ...found, known, ready };
  }

  /** The body with the text of the document that it names by an id. */
  withText(body: unknown): unknown {
    return withText(body, this.settings.persisted);
  }

  /** Whether the text is refused before it is parsed. @param query what a request has as its text, if anything. */
  refuses(query: unknown): boolean {
    return typeof query === 'string' && !this.settings.persisted.allows(query);
  }

  /** The answer to an operation that `refuses` has found. */
  refused(context: RequestContext, media: ResponseMedia): KnownAnswer {
    return this.answerTo(notTrusted(), context, media);
  }

  /** Runs it. Never rejects for what an operation may do. */
  async answer(
    operation: KnownOperation,
    context: RequestContext,
    media: ResponseMedia,
  ): Promise<KnownAnswer> {
    const { documents, executor } = this.settings;
    documents.use(operation.known);
    try {
      const checked = executor.check({ ...operation, context });
      if (checked) await checked;
    } catch (error) {
      return this.answerTo(toGraphqlError(error), context, media);
    }
    const { data, errors: formatted, http } = await executor.run(operation.ready, context);
    if (!formatted) return { status: 200, headers: TYPE_HEADERS[media], body: textOf({ data }) };
    const result = { errors: formatted, data };
    return answerOf({ media, status: http?.status ?? 200, headers: http?.headers ?? [], result });
  }

  private answerTo(
    error: GraphQLError,
    context: RequestContext,
    media: ResponseMedia,
  ): KnownAnswer {
    const { errors: formatted, http } = this.settings.errors.format([error], context);
    const { status = SERVER_ERROR, headers } = http;
    return answerOf({ media, status, headers, result: { errors: formatted } });
  }

  private operationOf(
    document: DocumentNode,
    name: string | null,
  ): OperationDefinitionNode | undefined {
    if (name !== null) return getOperationAST(document, name) ?? undefined;
    let operation = this.operations.get(document);
    if (operation) return operation;
    operation = getOperationAST(document) ?? undefined;
    if (operation) this.operations.set(document, operation);
    return operation;
  }
}

function answerOf({
  media,
  status,
  headers,
  result,
}: {
  readonly media: ResponseMedia;
  readonly status: number;
  readonly headers: Iterable<readonly [string, string]>;
  readonly result: FormattedExecutionResult;
}): KnownAnswer {
  return {
    status: statusIn(media, status, result),
    headers: [...headers, ...TYPE_HEADERS[media]],
    body: textOf(result),
  };
}

function textOf(result: FormattedExecutionResult): string {
  return `${JSON.stringify(result)}\n`;
}

function toGraphqlError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
