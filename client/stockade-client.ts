/**
 * The client, for Node and browsers: a method for each operation of schema/operations. It makes idempotency keys, tries
 * again what may be tried again, and follows committed changes.
 */
import type { ClientOptions } from 'graphql-ws/client';
import { Call, type Asked, type CallOptions, type RetrySettings } from './call.js';
import * as operations from './generated/operations.js';
import type {
  StockChangedSubscriptionVariables,
  TypedDocumentString,
} from './generated/operations.js';
import { watchStock, type StockNews } from './stock-watch.js';
import { Transport, type TransportSettings } from './transport.js';

export type { CallOptions } from './call.js';
export * from './generated/operations.js';
export { StockadeError, type GraphqlFault } from './stockade-error.js';
export type { ProductStock, StockChange, StockNews } from './stock-watch.js';

export interface ClientSettings extends TransportSettings {
  /** What is not given has its default: 50 ms to 2 s between tries, 16 s for a try, 30 s for a call. */
  readonly retries?: Partial<RetrySettings> | undefined;
  /** For `stockChanged` where there is no global WebSocket (Node before 22): the one of the package `ws`. */
  readonly webSocket?: ClientOptions['webSocketImpl'];
}

const RETRIES: RetrySettings = { firstMs: 50, maxMs: 2_000, tryMs: 16_000, deadlineMs: 30_000 };

type Documents = typeof operations;
type DocumentName = Extract<keyof Documents, `${string}Document`>;
type TypesOf<Document> =
  Document extends TypedDocumentString<infer Data, infer Variables> ? [Data, Variables] : never;
type DataOf<Name extends DocumentName> = TypesOf<Documents[Name]>[0];
type VariablesOf<Name extends DocumentName> = TypesOf<Documents[Name]>[1];
/** Mutations have one variable, their input. */
type ArgumentOf<Variables> = Variables extends { readonly input: infer Input } ? Input : Variables;
/** Every operation has one field. */
type AnswerOf<Data> = Data[keyof Data];

type Arguments<Variables> =
  Record<string, never> extends Variables
    ? [variables?: Variables, options?: CallOptions]
    : [argument: ArgumentOf<Variables>, options?: CallOptions];

type MethodName<Name extends string> = Name extends `${infer Operation}Document`
  ? Uncapitalize<Operation>
  : never;

/** A method resolves with the operation's answer; it rejects with a StockadeError where there is none. */
export type Operations = {
  readonly [Name in Exclude<DocumentName, 'StockChangedDocument'> as MethodName<Name>]: (
    ...given: Arguments<VariablesOf<Name>>
  ) => Promise<AnswerOf<DataOf<Name>>>;
};

export interface StockadeClient extends Operations {
  /**
   * An operation of the caller's own; resolves with its data as it came, failed lines included. It gets no idempotency
   * key. So a mutation is sent again only where the answer says that nothing was applied, unless its one field takes
   * its key from `input.idempotencyKey` of the variables.
   */
  run<Data, Variables>(
    document: TypedDocumentString<Data, Variables> | string,
    variables: Variables,
    options?: CallOptions,
  ): Promise<Data>;
  /**
   * The stock of these products, or of all, and then each change of it, for as long as the caller reads. It reconnects,
   * and reads the stock again where changes may have been missed.
   */
  stockChanged(
    variables?: StockChangedSubscriptionVariables,
    options?: Pick<CallOptions, 'signal'>,
  ): AsyncGenerator<StockNews, void, undefined>;
}

export function createStockadeClient(settings: ClientSettings): StockadeClient {
  const transport = new Transport(settings);
  const retries = { ...RETRIES, ...settings.retries };
  const call = (asked: Asked, options: CallOptions = {}) =>
    new Call(asked, transport, retries, options).run();
  const methods = Object.entries(documents()).map(([name, query]) => {
    const takesInput = query.includes('($input: ');
    const method = async (argument: object = {}, options?: CallOptions) => {
      const variables = takesInput ? { input: argument } : { ...argument };
      const keyed = operations.KEYED_OPERATIONS.has(name);
      const form = { keyed, repeatable: true, byLine: true };
      const data = await call({ query, operationName: name, variables, ...form }, options);
      return Object.values(data)[0];
    };
    return [name.charAt(0).toLowerCase() + name.slice(1), method] as const;
  });
  const client = Object.fromEntries(methods) as unknown as Operations;
  return {
    ...client,
    run: async (document, given, options) => {
      const query = String(document);
      const variables: Asked['variables'] = { ...(given as object) };
      const form = { keyed: false, repeatable: isRepeatable(query, variables), byLine: false };
      return (await call({ query, operationName: null, variables, ...form }, options)) as never;
    },
    stockChanged: (variables = {}, { signal } = {}) => {
      const watch = {
        webSocketUrl: settings.url.replace(/^http/, 'ws'),
        webSocketImpl: settings.webSocket,
        query: String(operations.StockChangedDocument),
        authorization: () => transport.authorization(),
        read: (page: object, ended: AbortSignal) =>
          client.productsWithLevels(page, { signal: ended, deadlineMs: Infinity }),
        backoff: retries,
      };
      return watchStock(watch, variables, signal);
    },
  };
}

/** Every mutation has the keyword in its text. A query that has it too is only sent less often. */
function isRepeatable(query: string, variables: Asked['variables']): boolean {
  const input = variables.input as { readonly idempotencyKey?: unknown } | null | undefined;
  return !/\bmutation\b/.test(query) || typeof input?.idempotencyKey === 'string';
}

/** The texts of queries and mutations, by their names. */
function documents(): Record<string, string> {
  const all = Object.entries(operations).flatMap(([key, document]) => {
    if (!(document instanceof operations.TypedDocumentString)) return [];
    const text = String(document);
    const [, name] = /^\s*(?:query|mutation) (\w+)/.exec(text) ?? [];
    return name === key.replace(/Document$/, '') ? [[name, text] as const] : [];
  });
  return Object.fromEntries(all);
}
