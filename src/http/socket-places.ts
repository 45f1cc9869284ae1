/**
 * Which WebSockets the server has room for: so many in all, of one address and of one principal. A socket whose client
 * has not sent `connection_init` yet gives its place to a new one, so that silent clients shut no other out.
 */
import type { WebSocket } from 'ws';
import { Shares } from './shares.js';

export interface SocketBounds {
  /** WebSockets at once. */
  readonly watchSocketsMax: number;
  /** Of them, those of one address. */
  readonly watchSocketsMaxPerAddress: number;
  /** Of them, those of one principal. */
  readonly watchSocketsMaxPerPrincipal: number;
}

interface Place {
  readonly network: string;
  principal: string | null;
}

export class SocketPlaces {
  private readonly places = new Map<WebSocket, Place>();
  /** Those without `connection_init`, oldest first. */
  private readonly silent = new Set<WebSocket>();
  private readonly ofAddress: Shares;
  private readonly ofPrincipal: Shares;

  constructor(
    private readonly bounds: SocketBounds,
    private readonly evict: (silent: WebSocket) => void,
  ) {
    this.ofAddress = new Shares(bounds.watchSocketsMaxPerAddress);
    this.ofPrincipal = new Shares(bounds.watchSocketsMaxPerPrincipal);
  }

  get size(): number {
    return this.places.size;
  }

  /** Null where there is room for one more socket, made by eviction where that helps; else the bound. */
  refusalOf(network: string): string | null {
    if (this.ofAddress.isFull(network) && !this.evictSilent((place) => place.network === network)) {
      return 'Too many WebSockets of this address are open.';
    }
    if (this.size >= this.bounds.watchSocketsMax && !this.evictSilent(() => true)) {
      return 'Too many WebSockets are open.';
    }
    return null;
  }

  /** Whether the socket has a place: it has none once it is closed, or has given its place to another one. */
  has(socket: WebSocket): boolean {
    return this.places.has(socket);
  }

  add(socket: WebSocket, network: string): void {
    this.ofAddress.take(network);
    this.places.set(socket, { network, principal: null });
    this.silent.add(socket);
  }

  /** The client has said who it is. False where its principal has all its sockets already, or the socket is gone. */
  greet(socket: WebSocket, principal: string | null): boolean {
    const place = this.places.get(socket);
    if (!place) return false;
    this.silent.delete(socket);
    if (principal === null) return true;
    if (!this.ofPrincipal.take(principal)) return false;
    place.principal = principal;
    return true;
  }

  remove(socket: WebSocket): void {
    const place = this.places.get(socket);
    if (!place) return;
    this.places.delete(socket);
    this.silent.delete(socket);
    this.ofAddress.giveBack(place.network);
    if (place.principal !== null) this.ofPrincipal.giveBack(place.principal);
  }

  private evictSilent(matches: (place: Place) => boolean): boolean {
    for (const socket of this.silent) {
      const place = this.places.get(socket);
      if (!place || !matches(place)) continue;
      this.remove(socket);
      this.evict(socket);
      return true;
    }
    return false;
  }
}
