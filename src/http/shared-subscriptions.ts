/**
 * Equal subscriptions are one operation: same text, name, variables and scopes. Each event is executed once for all of
 * them, and an equal text is parsed and validated once, while one of them is open. Without that, a thousand screens
 * that show the same product would cost a thousand executions for each change.
 */
import { createHash } from 'node:crypto';
import {
  createSourceEventStream,
  execute,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import type { RequestContext } from '../graphql/context.js';

/** What one subscription is started with. */
export interface SubscriptionArgs extends ExecutionArgs {
  readonly contextValue: RequestContext;
  readonly text: string;
}

type Result = ExecutionResult | Promise<ExecutionResult>;

interface Group {
  readonly args: SubscriptionArgs;
  subscriptions: number;
  /** By event: all watchers get the same object. */
  readonly results: WeakMap<object, Result>;
}

interface Text {
  readonly document: DocumentNode;
  subscriptions: number;
}

export class SharedSubscriptions {
  private readonly groups = new Map<string, Group>();
  private readonly texts = new Map<string, Text>();

  /** The valid document of an open subscription with this text. */
  documentOf(text: string): DocumentNode | null {
    return this.texts.get(digestOf(text))?.document ?? null;
  }

  /**
   * Starts a subscription.
   * @param onEnd called once, however it ends, also where it does not begin.
   */
  async subscribe(
    args: SubscriptionArgs,
    onEnd: () => void,
  ): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    let source;
    try {
      source = await createSourceEventStream(args);
    } catch (error) {
      onEnd();
      throw error;
    }
    if (!(Symbol.asyncIterator in source)) {
      onEnd();
      return source;
    }
    const events = (source as AsyncIterable<object>)[Symbol.asyncIterator]();
    const { group, leave } = this.join(args);
    return new ResultStream(
      events,
      (event) => resultOf(group, event),
      () => {
        leave();
        onEnd();
      },
    );
  }

  private join(args: SubscriptionArgs): { readonly group: Group; readonly leave: () => void } {
    const textKey = digestOf(args.text);
    const key = keyOf(textKey, args);
    const group = this.groups.get(key) ?? { args, subscriptions: 0, results: new WeakMap() };
    const text = this.texts.get(textKey) ?? { document: args.document, subscriptions: 0 };
    this.groups.set(key, group);
    this.texts.set(textKey, text);
    group.subscriptions += 1;
    text.subscriptions += 1;
    return {
      group,
      leave: () => {
        group.subscriptions -= 1;
        text.subscriptions -= 1;
        if (group.subscriptions === 0) this.groups.delete(key);
        if (text.subscriptions === 0) this.texts.delete(textKey);
      },
    };
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function keyOf(
  textKey: string,
  { operationName, variableValues, contextValue }: SubscriptionArgs,
): string {
  const { principal } = contextValue;
  const scopes = principal && [...principal.scopes].sort();
  return digestOf(JSON.stringify([textKey, operationName ?? null, variableValues, scopes]));
}

function resultOf(group: Group, event: object): Result {
  const known = group.results.get(event);
  if (known) return known;
  const contextValue = group.args.contextValue.forEvent();
  const result = execute({ ...group.args, contextValue, rootValue: event });
  group.results.set(event, result);
  return result;
}

/** The results of one subscription's events. */
class ResultStream implements AsyncIterableIterator<ExecutionResult> {
  private ended = false;

  constructor(
    private readonly events: AsyncIterator<object>,
    private readonly resultOf: (event: object) => Result,
    private readonly onEnd: () => void,
  ) {}

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const taken = await this.events.next();
    if (taken.done) {
      this.end();
      return ENDED;
    }
    try {
      return { done: false, value: await this.resultOf(taken.value) };
    } catch (error) {
      // A consumer that gets an error from an iterator does not end it.
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult, undefined>> {
    this.end();
    await this.events.return?.();
    return ENDED;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
  }
}

const ENDED = { done: true, value: undefined } as const;
