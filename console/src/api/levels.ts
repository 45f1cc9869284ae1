/**
 * Live levels: one subscription for the page, whose latest states are drawn at most a few times in a second, however
 * fast they come. A notice of missed changes makes the page read its levels again.
 */
import { useEffect, useRef, useState } from 'react';
import { useClient, type CombinedError } from 'urql';
import { ConsoleLevelsDocument, type ConsoleLevelsSubscription } from '../generated/operations';
import { connection } from './connection';
import { Store, useStore } from './store';

const DRAW_INTERVAL_MS = 250;

type Change = Extract<
  ConsoleLevelsSubscription['stockChanged'],
  { readonly __typename: 'StockChange' }
>;

export interface LiveProduct {
  readonly available: number;
  /** By location. */
  readonly levels: ReadonlyMap<string, Change>;
  /** Grows with each change that is drawn. */
  readonly changes: number;
}

export type LiveLevels = ReadonlyMap<string, LiveProduct>;

const NONE: LiveLevels = new Map();

/** Why the page's subscription has ended. */
export const levelsError = new Store<CombinedError | null>(null);

/**
 * @param productIds null: of all products.
 * @param onMissed changes may have been missed.
 */
export function useLiveLevels(
  productIds: readonly string[] | null,
  onMissed: () => void,
): LiveLevels {
  const client = useClient();
  const { epoch } = useStore(connection);
  const [levels, setLevels] = useState(NONE);
  const missed = useRef(onMissed);
  missed.current = onMissed;
  const asked = productIds?.join('\n') ?? null;
  useEffect(() => {
    let known: LiveLevels = NONE;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      setLevels(known);
    };
    const variables = asked === null ? {} : { productIds: asked.split('\n') };
    const subscription = client
      .subscription(ConsoleLevelsDocument, variables)
      .subscribe((result) => {
        levelsError.set(result.error ?? null);
        const event = result.data?.stockChanged;
        if (!event) return;
        if (event.__typename === 'StockChangesMissed') {
          // What is read now is newer than the changes before the gap.
          known = NONE;
          clearTimeout(timer);
          draw();
          missed.current();
        } else {
          known = withChange(known, event);
          timer ??= setTimeout(draw, DRAW_INTERVAL_MS);
        }
      });
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
      setLevels(NONE);
      levelsError.set(null);
    };
  }, [client, asked, epoch]);
  return levels;
}

function withChange(known: LiveLevels, change: Change): LiveLevels {
  const before = known.get(change.productId);
  const level = before?.levels.get(change.locationId);
  if (level && level.version >= change.version) return known;
  const levels = new Map(before?.levels).set(change.locationId, change);
  return new Map(known).set(change.productId, {
    available: change.productAvailable,
    levels,
    changes: (before?.changes ?? 0) + 1,
  });
}
