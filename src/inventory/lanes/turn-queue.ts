/**
 * A queue that several parties share. They take turns by weight, and within a party the order is that of arrival.
 *
 * This is deficit round robin (Shreedhar, Varghese: "Efficient Fair Queuing Using Deficit Round-Robin", SIGCOMM 1995).
 * In each round a party receives one unit of credit, and its first item leaves when the credit covers the item's
 * weight. So a party with large items gets no more than one with small items, and a single small item waits for about
 * one unit of each other party, however much those have waiting. Credit that a party cannot use is forgotten, and a
 * party that waits alone needs none.
 *
 * A round costs constant time for each party, and pays for one unit of its items: the time is constant per unit.
 */
import { Chain, type Link } from './chain.js';

/** What one round adds to a party's credit. */
const CREDIT_PER_ROUND = 1;

export type PartyName = string | symbol;

/** An item that waits. */
export class Place<T> implements Link<Place<T>> {
  previous: Place<T> | null = null;
  next: Place<T> | null = null;

  constructor(
    readonly item: T,
    readonly weight: number,
    readonly party: Party<T>,
  ) {}
}

class Party<T> implements Link<Party<T>> {
  previous: Party<T> | null = null;
  next: Party<T> | null = null;
  readonly places = new Chain<Place<T>>();
  /** Of all its items. */
  weight = 0;
  credit = CREDIT_PER_ROUND;
  isPassedOver = false;

  constructor(readonly name: PartyName) {}
}

export class TurnQueue<T> {
  private readonly parties = new Map<PartyName, Party<T>>();
  /** The parties of which an item may leave. The first one has its turn. */
  private readonly turns = new Chain<Party<T>>();
  private passedOver: Party<T>[] = [];
  private total = 0;

  get isEmpty(): boolean {
    return this.parties.size === 0;
  }

  /** Of all items. */
  get weight(): number {
    return this.total;
  }

  weightOf(name: PartyName): number {
    return this.parties.get(name)?.weight ?? 0;
  }

  /** Adds an item behind the others of its party. */
  push(name: PartyName, item: T, weight: number): Place<T> {
    const party = this.partyOf(name, 'last');
    return this.enter(new Place(item, weight, party), 'last');
  }

  /** Adds an item before the others of its party. A party that has no other gets the next turn. */
  putBack(name: PartyName, item: T, weight: number): Place<T> {
    const party = this.partyOf(name, 'first');
    return this.enter(new Place(item, weight, party), 'first');
  }

  /** The item that leaves next; null where none may. */
  get head(): Place<T> | null {
    for (;;) {
      const party = this.turns.first;
      const place = party?.places.first;
      if (!party || !place) return null;
      if (party.next === null || place.weight <= party.credit) return place;
      party.credit += CREDIT_PER_ROUND;
      this.turns.remove(party);
      this.turns.append(party);
    }
  }

  /** Takes out the head, which its party pays for. */
  shift(): T | undefined {
    const { head } = this;
    if (!head) return undefined;
    head.party.credit = Math.max(0, head.party.credit - head.weight);
    this.remove(head);
    return head.item;
  }

  /** Takes out any item; its party keeps its credit. */
  remove(place: Place<T>): void {
    const { party, weight } = place;
    party.places.remove(place);
    party.weight -= weight;
    this.total -= weight;
    if (party.places.first) return;
    this.parties.delete(party.name);
    if (!party.isPassedOver) this.turns.remove(party);
  }

  /** The party that has its turn gets no other one until `resume`. It keeps its credit. */
  passOver(): void {
    const party = this.turns.first;
    if (!party) return;
    this.turns.remove(party);
    party.isPassedOver = true;
    this.passedOver.push(party);
  }

  /** Parties that were passed over get their turns first, in the same order. */
  resume(): void {
    if (this.passedOver.length === 0) return;
    for (const party of this.passedOver.reverse()) {
      party.isPassedOver = false;
      if (party.places.first) this.turns.prepend(party);
    }
    this.passedOver = [];
  }

  private partyOf(name: PartyName, at: 'first' | 'last'): Party<T> {
    const known = this.parties.get(name);
    if (known) return known;
    const party = new Party<T>(name);
    this.parties.set(name, party);
    if (at === 'first') this.turns.prepend(party);
    else this.turns.append(party);
    return party;
  }

  private enter(place: Place<T>, at: 'first' | 'last'): Place<T> {
    const { party, weight } = place;
    if (at === 'first') party.places.prepend(place);
    else party.places.append(place);
    party.weight += weight;
    this.total += weight;
    return place;
  }
}
