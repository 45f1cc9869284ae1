/**
 * Equal subscriptions are one operation: same text, name, variables and scopes. Each event is executed once for all of
 * them, and an equal text is parsed and validated once, while one of them is open. Without that, a thousand screens
 * that show the same product would cost a thousand executions for each change.
 *
 * The lists that an event selects wait for room as those of a query do. They count for the client that reads least of
 * those that have the subscription open, so that none delays the events of others.
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
import { clientOf, type RoomForReads } from '../graphql/room-for-reads.js';
import type { MissedEvent } from '../inventory/stock-changes.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';

/** What one subscription is started with. */
export interface SubscriptionArgs extends ExecutionArgs {
  readonly contextValue: RequestContext;
  readonly text: string;
  /** Entries of lists that one event reads at most. */
  readonly nodes: number;
}

type Result = ExecutionResult | Promise<ExecutionResult>;

/** A client, with how many subscriptions of a group. */
interface Member {
  readonly context: RequestContext;
  subscriptions: number;
}

interface Group {
  readonly args: SubscriptionArgs;
  readonly members: Map<string, Member>;
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

  constructor(private readonly reads: Pick<RoomForReads, 'enter' | 'loadOf'>) {}

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
      (event) => this.resultOf(group, event),
      () => {
        leave();
        onEnd();
      },
    );
  }

  private join(args: SubscriptionArgs): { readonly group: Group; readonly leave: () => void } {
    const textKey = digestOf(args.text);
    const key = keyOf(textKey, args);
    const client = clientOf(args.contextValue);
    const group: Group = this.groups.get(key) ?? {
      args,
      members: new Map(),
      results: new WeakMap(),
    };
    const member = group.members.get(client) ?? { context: args.contextValue, subscriptions: 0 };
    const text = this.texts.get(textKey) ?? { document: args.document, subscriptions: 0 };
    this.groups.set(key, group);
    group.members.set(client, member);
    this.texts.set(textKey, text);
    member.subscriptions += 1;
    text.subscriptions += 1;
    return {
      group,
      leave: () => {
        member.subscriptions -= 1;
        text.subscriptions -= 1;
        if (member.subscriptions === 0) group.members.delete(client);
        if (group.members.size === 0) this.groups.delete(key);
        if (text.subscriptions === 0) this.texts.delete(textKey);
      },
    };
  }

  private resultOf(group: Group, event: object): Result {
    const { args, results } = group;
    const known = results.get(event);
    if (known) return known;
    const readsLists = args.nodes > 0;
    const contextValue = (readsLists ? this.leastBusyOf(group) : args.contextValue).forEvent();
    const eventArgs = { ...args, contextValue, rootValue: event };
    const result = readsLists ? this.readInTurn(eventArgs) : execute(eventArgs);
    results.set(event, result);
    return result;
  }

  private leastBusyOf({ args, members }: Group): RequestContext {
    // The last member may have left while its event was on the way.
    let [reader, least] = [args.contextValue, Infinity];
    for (const [client, { context }] of members) {
      const load = this.reads.loadOf(client);
      if (load <= least) [reader, least] = [context, load];
      if (least === 0) break;
    }
    return reader;
  }

  /** Without room in time the event is missed, and its watchers are told to read again. */
  private async readInTurn(args: SubscriptionArgs): Promise<ExecutionResult> {
    const { contextValue: context, nodes } = args;
    try {
      await this.reads.enter(context, nodes);
      return await execute(args);
    } catch (error) {
      if (!(error instanceof RateLimitedError)) throw error;
      return await execute({ ...args, rootValue: MISSED });
    } finally {
      context.end();
    }
  }
}

const MISSED: MissedEvent = { kind: 'MISSED', since: null };

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
