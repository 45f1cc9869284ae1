/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type ArchiveProductInput = {
  id: string | number;
};

/** What happens to the other lines when one fails. */
export type BatchMode =
  /** All lines or none, in one transaction. */
  | 'ALL_OR_NOTHING'
  /** Each line is applied or refused on its own. */
  | 'PARTIAL';

export type CommitReservationInput = {
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  reservationId: string | number;
};

export type CreateLocationInput = {
  /** 1 to 64 characters of A-Z a-z 0-9 . _ : - ; case-sensitive. */
  id: string | number;
  /** 1 to 255 characters, not only spaces. */
  name: string;
};

/** An initial quantity of 0 writes no entry to the ledger. */
export type CreateProductInput = {
  /** 1 to 64 characters of A-Z a-z 0-9 . _ : - ; case-sensitive. */
  id: string | number;
  /** The location of the initial quantity. Default: the location `default`. */
  locationId?: string | number | null | undefined;
  /** 0 or more. */
  lowStockThreshold?: number | null | undefined;
  /** 1 to 255 characters, not only spaces. */
  name: string;
  /** 0 to 1,000,000,000. */
  quantity?: number;
};

export type DeductStockInput = {
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** 1 to 100 lines. Several lines may name the same product; each gets its own result. */
  items: Array<StockLineInput>;
  /** How long the lines may wait for their products' turn, in milliseconds, 1 or more; the server's own bound where left out or longer. Without a turn in time they fail with LockTimeoutError. */
  maxWaitMs?: number | null | undefined;
  mode?: BatchMode;
  /** For the ledger; at most 255 characters. */
  reason?: string | null | undefined;
  /** The order or document that this belongs to; at most 255 characters. */
  reference?: string | null | undefined;
};

export type ExtendReservationInput = {
  reservationId: string | number;
  /** How long stock is held from now on, 1 to 604,800. */
  ttlSeconds: number;
};

/** What a server does. */
export type FleetServerState =
  /** It serves no writes: MySQL, or a lock that it must have, is away. */
  | 'AWAY'
  /** It has not reported for 3.5 seconds or more: killed, paused, or cut off from Redis. After 5 minutes it is no longer listed. A server that stops in order is not listed any more. */
  | 'GONE'
  /** It serves. */
  | 'READY'
  /** It takes no new requests, and finishes those that have begun. */
  | 'STOPPING';

/** What an operator should look at. */
export type FleetWarningCode =
  /** Changes do not reach the subscribers of other servers. */
  | 'CHANGES_UNPUBLISHED'
  /** The process was busy for over 95 % of each of the last 5 seconds. */
  | 'EVENT_LOOP_BUSY'
  /** The reports of the other servers cannot be read: only one server is listed. */
  | 'FLEET_UNREAD'
  /** Writes run without the lock: under row locks of MySQL, or are refused (`LOCK_FALLBACK`). */
  | 'LOCK_FALLBACK'
  /** The heap of the process is over 85 % full. */
  | 'MEMORY_NEARLY_FULL'
  /** MySQL takes no writes of this server. */
  | 'MYSQL_AWAY'
  /** A transaction has had no answer of MySQL for over a second. */
  | 'MYSQL_SILENT'
  /** A warning of a server of a later version; see its message. */
  | 'OTHER'
  /** Servers write to different MySQL servers. */
  | 'PRIMARIES_DIFFER'
  /** The queue of a product is over 80 % full. */
  | 'QUEUE_NEARLY_FULL'
  /** Redis does not count requests, so no rate limit applies. */
  | 'RATE_LIMIT_OFF'
  /** A Redis does not serve the lock. */
  | 'REDIS_AWAY'
  /** Servers of several versions are running. */
  | 'RELEASES_DIFFER'
  /** A server does not report any more. */
  | 'SERVER_GONE';

export type IncreaseStockInput = {
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** 1 to 100 lines. Several lines may name the same product; each gets its own result. */
  items: Array<StockLineInput>;
  /** How long the lines may wait for their products' turn, in milliseconds, 1 or more; the server's own bound where left out or longer. Without a turn in time they fail with LockTimeoutError. */
  maxWaitMs?: number | null | undefined;
  mode?: BatchMode;
  /** For the ledger; at most 255 characters. */
  reason?: string | null | undefined;
  /** The order or document that this belongs to; at most 255 characters. */
  reference?: string | null | undefined;
};

/** What happened beside the lines of the ledger. */
export type JourneyEventKind =
  /** A request with an idempotency key was decided, and its answer stored: a refusal is seen here alone. */
  | 'ANSWERED'
  | 'LOCATION_CREATED'
  /** It was taken out of sale. */
  | 'PRODUCT_ARCHIVED'
  | 'PRODUCT_CREATED'
  /** Its stock was deducted. */
  | 'RESERVATION_COMMITTED'
  /** Its time ended. */
  | 'RESERVATION_EXPIRED'
  /** Its stock was made available again. */
  | 'RESERVATION_RELEASED'
  /** A reservation was made. */
  | 'RESERVED';

/** What an id names. */
export type JourneyKind =
  /** Its lines are those of the request that used it. */
  | 'IDEMPOTENCY_KEY'
  /** Its lines are looked for among the newest of the ledger, where the id names nothing else that has lines. */
  | 'LOCATION'
  /** A line of the ledger; its lines are those of the same request. */
  | 'MOVEMENT'
  /** Its lines are looked for among the newest of the ledger, where the id names nothing else that has lines. */
  | 'PRINCIPAL'
  /** Its lines are those of the product. */
  | 'PRODUCT'
  /** An order or document; its lines are those that name it. */
  | 'REFERENCE'
  /** Its lines are those of its commit. */
  | 'RESERVATION';

/** An entry must match every given field. With locationId, or with more than one of productId, reference and kinds, a page looks at a bounded number of entries: it may be short, and even empty, while the list goes on. Use its endCursor or startCursor then. */
export type MovementFilter = {
  /** One of these. */
  kinds?: Array<StockMovementKind> | null | undefined;
  locationId?: string | number | null | undefined;
  /** The reference given in the request. */
  reference?: string | null | undefined;
  /** Written then or later. */
  since?: string | null | undefined;
  /** Written before. */
  until?: string | null | undefined;
};

/** A product must match every given field. */
export type ProductFilter = {
  /** True: only products that are out of sale. Otherwise only products on sale. */
  archived?: boolean | null | undefined;
  /** At most 100. */
  ids?: Array<string | number> | null | undefined;
  /** Whether available is at or below the product's lowStockThreshold. A page then looks at a bounded number of products: it may be short, and even empty, while hasNextPage is true. Go on from its endCursor. */
  lowStock?: boolean | null | undefined;
  nameStartsWith?: string | null | undefined;
  /** Words of the name, in any order and place; whole words, without regard to case, accents and punctuation. At most 10 words. With several of them a page looks at a bounded number of products, as with lowStock. */
  search?: string | null | undefined;
};

export type ReleaseReservationInput = {
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  reservationId: string | number;
};

/** A reservation must match every given field. With status or productId a page looks at a bounded number of reservations: it may be short, and even empty, while hasNextPage is true. Go on from its endCursor. */
export type ReservationFilter = {
  /** A product of one of its lines. */
  productId?: string | number | null | undefined;
  /** The reference given in the request. */
  reference?: string | null | undefined;
  /** At this moment. */
  status?: ReservationStatus | null | undefined;
};

/** The state of a reservation. */
export type ReservationStatus =
  /** It holds stock. */
  | 'ACTIVE'
  /** Its stock was deducted. */
  | 'COMMITTED'
  /** Its time ended, and it holds nothing. */
  | 'EXPIRED'
  /** Its stock was made available again. */
  | 'RELEASED';

export type ReserveStockInput = {
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** 1 to 100 lines, of which all are reserved or none. */
  items: Array<StockLineInput>;
  /** How long the lines may wait for their products' turn, in milliseconds, 1 or more; the server's own bound where left out or longer. Without a turn in time they fail with LockTimeoutError. */
  maxWaitMs?: number | null | undefined;
  /** The cart or order that this belongs to; at most 255 characters. */
  reference?: string | null | undefined;
  /** How long stock is held, 1 to 604,800. */
  ttlSeconds?: number;
};

export type RestoreProductInput = {
  id: string | number;
};

/** A permission, spelt as in keys and tokens. No scope implies another one. */
export type Scope =
  /** What a buyer causes: deductions and reservations. */
  | 'deduct'
  /** What staff does: products, locations, increases, counts, transfers; and the queries about the servers. */
  | 'manage'
  /** All queries and subscriptions about stock. */
  | 'read';

export type SetStockInput = {
  /** The quantity on hand that the caller expects; nothing is set where another one is found. Required: absent is BAD_USER_INPUT. null sets the quantity without a comparison. */
  changeFromQuantity?: number | null | undefined;
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Default: the location `default`. */
  locationId?: string | number | null | undefined;
  productId: string | number;
  /** 0 to 1,000,000,000. Fewer than the reserved units: INSUFFICIENT_STOCK. */
  quantity: number;
  /** For the ledger; at most 255 characters. */
  reason?: string | null | undefined;
  /** The order or document that this belongs to; at most 255 characters. */
  reference?: string | null | undefined;
};

/** Why stock was not changed, for clients that tell errors apart by code. */
export type StockErrorCode =
  /** Another line of the same all-or-nothing request failed. */
  | 'ABORTED'
  /** Fewer units are available than requested. */
  | 'INSUFFICIENT_STOCK'
  /** The quantity is out of range, or the level would exceed 1,000,000,000 units. */
  | 'INVALID_QUANTITY'
  /** No location has this id. */
  | 'LOCATION_NOT_FOUND'
  /** The product stayed busy for as long as a request may wait. */
  | 'LOCK_TIMEOUT'
  /** The queue for this product is full, or your reservations hold as many of its units as they may. */
  | 'OVERLOADED'
  /** The product is out of sale. */
  | 'PRODUCT_ARCHIVED'
  /** No product has this id. */
  | 'PRODUCT_NOT_FOUND'
  /** The quantity on hand is not the expected one. */
  | 'STALE_QUANTITY'
  /** The database or the lock is not reachable, or the server is stopping. */
  | 'UNAVAILABLE';

/** Units of one product at one location. */
export type StockLineInput = {
  /** Default: the location `default`. */
  locationId?: string | number | null | undefined;
  productId: string | number;
  /** 1 to 1,000,000,000. A line with a quantity out of range fails with InvalidQuantityError. */
  quantity: number;
};

/** Why a level changed. */
export type StockMovementKind =
  /** setStock, after a count. */
  | 'CORRECTION'
  /** deductStock. */
  | 'DEDUCTION'
  /** increaseStock. */
  | 'INCREASE'
  /** The initial quantity of a new product. */
  | 'INITIAL'
  /** commitReservation. */
  | 'RESERVATION_COMMIT'
  /** transferStock, from another location. */
  | 'TRANSFER_IN'
  /** transferStock, to another location. */
  | 'TRANSFER_OUT';

/** The two locations must differ; equal ones are BAD_USER_INPUT. */
export type TransferStockInput = {
  fromLocationId: string | number;
  /** 1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and lines that failed with retryable: true are tried again. The same key with another input or for another operation is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  productId: string | number;
  /** 1 to 1,000,000,000. */
  quantity: number;
  /** For the ledger; at most 255 characters. */
  reason?: string | null | undefined;
  /** The order or document that this belongs to; at most 255 characters. */
  reference?: string | null | undefined;
  toLocationId: string | number;
};

export type UpdateLocationInput = {
  id: string | number;
  /** 1 to 255 characters, not only spaces. */
  name: string;
};

/** What is left out stays as it is. */
export type UpdateProductInput = {
  id: string | number;
  /** 0 or more. Null takes the threshold away: stock is never low. */
  lowStockThreshold?: number | null | undefined;
  /** 1 to 255 characters, not only spaces. */
  name?: string | null | undefined;
};

export type ArchiveProductMutationVariables = Exact<{
  input: ArchiveProductInput;
}>;


export type ArchiveProductMutation = { archiveProduct:
    | { __typename: 'InvalidInputError' }
    | { __typename: 'Product', id: string, archivedAt: string | null }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string }
   };

export type CommitReservationMutationVariables = Exact<{
  input: CommitReservationInput;
}>;


export type CommitReservationMutation = { commitReservation:
    | { __typename: 'LockTimeoutError', message: string, waitedMs: number, retryAfterMs: number, code: StockErrorCode, retryable: boolean }
    | { __typename: 'OverloadedError', message: string, retryAfterMs: number, code: StockErrorCode, retryable: boolean }
    | { __typename: 'ReservationCommitted', movementIds: Array<string>, replayed: boolean, reservation: { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } }
    | { __typename: 'ReservationNotActiveError', status: ReservationStatus, message: string }
    | { __typename: 'ReservationNotFoundError', message: string }
    | { __typename: 'UnavailableError', message: string, mayHaveApplied: boolean, code: StockErrorCode, retryable: boolean }
   };

export type CreateLocationMutationVariables = Exact<{
  input: CreateLocationInput;
}>;


export type CreateLocationMutation = { createLocation:
    | { __typename: 'InvalidInputError', message: string, field: string }
    | { __typename: 'Location', id: string, name: string, isDefault: boolean }
    | { __typename: 'LocationAlreadyExistsError', message: string, location: { id: string, name: string } | null }
   };

export type CreateProductMutationVariables = Exact<{
  input: CreateProductInput;
}>;


export type CreateProductMutation = { createProduct:
    | { __typename: 'InvalidInputError', message: string, field: string }
    | { __typename: 'Product', id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, createdAt: string, updatedAt: string }
    | { __typename: 'ProductAlreadyExistsError', message: string, product: { id: string, name: string, available: number } | null }
   };

export type DeductStockMutationVariables = Exact<{
  input: DeductStockInput;
}>;


export type DeductStockMutation = { deductStock: { replayed: boolean, results: Array<
      | { __typename: 'DeductedItem', index: number, productId: string, locationId: string, quantity: number, remaining: number, movementId: string, product: { id: string, name: string, available: number } | null }
      | { __typename: 'FailedItem', index: number, productId: string, locationId: string, quantity: number, error:
          | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean }
         }
    > } };

type StockErrorDetails_AbortedError_Fragment = { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_InsufficientStockError_Fragment = { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_InvalidQuantityError_Fragment = { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_LocationNotFoundError_Fragment = { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_LockTimeoutError_Fragment = { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_OverloadedError_Fragment = { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_ProductArchivedError_Fragment = { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_ProductNotFoundError_Fragment = { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_StaleQuantityError_Fragment = { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean };

type StockErrorDetails_UnavailableError_Fragment = { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean };

export type StockErrorDetailsFragment =
  | StockErrorDetails_AbortedError_Fragment
  | StockErrorDetails_InsufficientStockError_Fragment
  | StockErrorDetails_InvalidQuantityError_Fragment
  | StockErrorDetails_LocationNotFoundError_Fragment
  | StockErrorDetails_LockTimeoutError_Fragment
  | StockErrorDetails_OverloadedError_Fragment
  | StockErrorDetails_ProductArchivedError_Fragment
  | StockErrorDetails_ProductNotFoundError_Fragment
  | StockErrorDetails_StaleQuantityError_Fragment
  | StockErrorDetails_UnavailableError_Fragment
;

export type ExtendReservationMutationVariables = Exact<{
  input: ExtendReservationInput;
}>;


export type ExtendReservationMutation = { extendReservation:
    | { __typename: 'Reservation', id: string, status: ReservationStatus, expiresAt: string }
    | { __typename: 'ReservationNotActiveError', message: string, status: ReservationStatus }
    | { __typename: 'ReservationNotFoundError', message: string }
    | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean, mayHaveApplied: boolean }
   };

export type FleetQueryVariables = Exact<{ [key: string]: never; }>;


export type FleetQuery = { fleet: { at: string, delegatedPerSecond: number, queuedLines: number, servers: Array<{ id: string, host: string, pid: number, version: string, startedAt: string, state: FleetServerState, silentMs: number, mysql: string | null, mysqlServer: string | null, redis: Array<string>, queuedLines: number, answeredPerSecond: number, delegatedPerSecond: number, lock: { configured: string, now: string }, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null } }>, warnings: Array<{ code: FleetWarningCode, message: string, serverId: string | null, since: string | null }>, rates: Array<{ operation: string, outcome: string, linesPerSecond: number }>, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null }, hotProducts: Array<{ productId: string, linesPerSecond: number, unitsPerSecond: number, queuedLines: number, ownerId: string | null, soldOutInSeconds: number | null, product: { name: string, available: number } | null }>, moments: Array<{ at: string, appliedPerSecond: number, soldOutPerSecond: number, refusedPerSecond: number, queuedLines: number, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null } }> } };

export type FleetDurationsDetailsFragment = { count: number, p50Ms: number | null, p99Ms: number | null };

export type IncreaseStockMutationVariables = Exact<{
  input: IncreaseStockInput;
}>;


export type IncreaseStockMutation = { increaseStock: { replayed: boolean, results: Array<
      | { __typename: 'FailedItem', index: number, productId: string, locationId: string, quantity: number, error:
          | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean }
         }
      | { __typename: 'IncreasedItem', index: number, productId: string, locationId: string, quantity: number, remaining: number, movementId: string, product: { id: string, name: string, available: number } | null }
    > } };

export type JourneyQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  principal?: string | null | undefined;
}>;


export type JourneyQuery = { journey: { id: string, kinds: Array<JourneyKind>, events: Array<{ kind: JourneyEventKind, at: string | null, text: string, principal: string | null, reservationId: string | null, operationId: string | null }>, lines: { edges: Array<{ cursor: string, node: { operationId: string, lineIndex: number, askedAt: string | null, waitedMs: number | null, batch: { id: string, lines: number }, movement: { id: string, productId: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type LocationsQueryVariables = Exact<{ [key: string]: never; }>;


export type LocationsQuery = { locations: Array<{ id: string, name: string, isDefault: boolean }> };

export type ProductMovementsQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: MovementFilter | null | undefined;
}>;


export type ProductMovementsQuery = { product: { id: string, onHand: number, movements: { edges: Array<{ cursor: string, node: { id: string, productId: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } } | null };

export type ProductQueryVariables = Exact<{
  id: string | number;
}>;


export type ProductQuery = { product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null, createdAt: string, updatedAt: string, levels: Array<{ id: string, productId: string, locationId: string, onHand: number, reserved: number, available: number, location: { name: string } }> } | null };

export type ProductsWithLevelsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: ProductFilter | null | undefined;
}>;


export type ProductsWithLevelsQuery = { products: { nodes: Array<{ id: string, name: string, onHand: number, reserved: number, available: number, levels: Array<{ locationId: string, onHand: number, reserved: number, available: number }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ProductsWithStockQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  movements: number;
  filter?: ProductFilter | null | undefined;
}>;


export type ProductsWithStockQuery = { products: { nodes: Array<{ id: string, name: string, available: number, levels: Array<{ locationId: string, onHand: number, reserved: number, available: number }>, movements: { nodes: Array<{ id: string, kind: StockMovementKind, delta: number, quantityAfter: number, createdAt: string }> } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ProductsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: ProductFilter | null | undefined;
}>;


export type ProductsQuery = { products: { edges: Array<{ cursor: string, node: { id: string, name: string, available: number } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type ReleaseReservationMutationVariables = Exact<{
  input: ReleaseReservationInput;
}>;


export type ReleaseReservationMutation = { releaseReservation:
    | { __typename: 'LockTimeoutError', message: string, waitedMs: number, retryAfterMs: number, code: StockErrorCode, retryable: boolean }
    | { __typename: 'OverloadedError', message: string, retryAfterMs: number, code: StockErrorCode, retryable: boolean }
    | { __typename: 'ReservationNotActiveError', status: ReservationStatus, message: string }
    | { __typename: 'ReservationNotFoundError', message: string }
    | { __typename: 'ReservationReleased', replayed: boolean, reservation: { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } }
    | { __typename: 'UnavailableError', message: string, mayHaveApplied: boolean, code: StockErrorCode, retryable: boolean }
   };

export type ReservationQueryVariables = Exact<{
  id: string | number;
}>;


export type ReservationQuery = { reservation: { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } | null };

export type ReservationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: ReservationFilter | null | undefined;
}>;


export type ReservationsQuery = { reservations: { edges: Array<{ cursor: string, node: { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type ReserveStockMutationVariables = Exact<{
  input: ReserveStockInput;
}>;


export type ReserveStockMutation = { reserveStock: { replayed: boolean, reservation: { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } | null, failedItems: Array<{ index: number, productId: string, locationId: string, quantity: number, error:
        | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean }
       }> } };

export type ReservationDetailsFragment = { id: string, status: ReservationStatus, expiresAt: string, createdAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> };

export type RestoreProductMutationVariables = Exact<{
  input: RestoreProductInput;
}>;


export type RestoreProductMutation = { restoreProduct:
    | { __typename: 'InvalidInputError' }
    | { __typename: 'Product', id: string, archivedAt: string | null }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string }
   };

export type SetStockMutationVariables = Exact<{
  input: SetStockInput;
}>;


export type SetStockMutation = { setStock:
    | { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'StaleQuantityError', expected: number, actual: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'StockSet', movementId: string | null, replayed: boolean, product: { id: string, onHand: number, available: number } | null }
    | { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean }
   };

export type StockChangedSubscriptionVariables = Exact<{
  productIds?: Array<string | number> | string | number | null | undefined;
}>;


export type StockChangedSubscription = { stockChanged:
    | { __typename: 'StockChange', productId: string, locationId: string, onHand: number, reserved: number, available: number, productAvailable: number, version: number, lowStock: boolean, product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null } | null }
    | { __typename: 'StockChangesMissed', since: string | null }
   };

export type StockMovementsQueryVariables = Exact<{
  productId?: string | number | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: MovementFilter | null | undefined;
}>;


export type StockMovementsQuery = { stockMovements: { edges: Array<{ cursor: string, node: { id: string, productId: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type MovementDetailsFragment = { id: string, productId: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string };

export type TransferStockMutationVariables = Exact<{
  input: TransferStockInput;
}>;


export type TransferStockMutation = { transferStock:
    | { __typename: 'InsufficientStockError', requested: number, available: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LockTimeoutError', waitedMs: number, retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'OverloadedError', retryAfterMs: number, code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'StockTransferred', movementIds: Array<string>, replayed: boolean, product: { id: string, levels: Array<{ locationId: string, onHand: number, available: number }> } | null }
    | { __typename: 'UnavailableError', mayHaveApplied: boolean, code: StockErrorCode, message: string, retryable: boolean }
   };

export type UpdateLocationMutationVariables = Exact<{
  input: UpdateLocationInput;
}>;


export type UpdateLocationMutation = { updateLocation:
    | { __typename: 'InvalidInputError', message: string, field: string }
    | { __typename: 'Location', id: string, name: string, isDefault: boolean }
    | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string }
   };

export type UpdateProductMutationVariables = Exact<{
  input: UpdateProductInput;
}>;


export type UpdateProductMutation = { updateProduct:
    | { __typename: 'InvalidInputError', message: string, field: string }
    | { __typename: 'Product', id: string, name: string, lowStockThreshold: number | null, updatedAt: string }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string }
   };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { principal: string | null, scopes: Array<Scope> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const StockErrorDetailsFragmentDoc = new TypedDocumentString(`
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}
    `, {"fragmentName":"StockErrorDetails"}) as unknown as TypedDocumentString<StockErrorDetailsFragment, unknown>;
export const FleetDurationsDetailsFragmentDoc = new TypedDocumentString(`
    fragment FleetDurationsDetails on FleetDurations {
  count
  p50Ms
  p99Ms
}
    `, {"fragmentName":"FleetDurationsDetails"}) as unknown as TypedDocumentString<FleetDurationsDetailsFragment, unknown>;
export const ReservationDetailsFragmentDoc = new TypedDocumentString(`
    fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}
    `, {"fragmentName":"ReservationDetails"}) as unknown as TypedDocumentString<ReservationDetailsFragment, unknown>;
export const MovementDetailsFragmentDoc = new TypedDocumentString(`
    fragment MovementDetails on StockMovement {
  id
  productId
  locationId
  sequence
  kind
  delta
  quantityBefore
  quantityAfter
  reason
  reference
  idempotencyKey
  principal
  fencingToken
  createdAt
}
    `, {"fragmentName":"MovementDetails"}) as unknown as TypedDocumentString<MovementDetailsFragment, unknown>;
export const ArchiveProductDocument = new TypedDocumentString(`
    mutation ArchiveProduct($input: ArchiveProductInput!) {
  archiveProduct(input: $input) {
    __typename
    ... on Product {
      id
      archivedAt
    }
    ... on ProductNotFoundError {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<ArchiveProductMutation, ArchiveProductMutationVariables>;
export const CommitReservationDocument = new TypedDocumentString(`
    mutation CommitReservation($input: CommitReservationInput!) {
  commitReservation(input: $input) {
    __typename
    ... on ReservationCommitted {
      movementIds
      replayed
      reservation {
        ...ReservationDetails
      }
    }
    ... on ReservationNotActiveError {
      status
    }
    ... on Error {
      message
    }
    ...StockErrorDetails
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}
fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}`) as unknown as TypedDocumentString<CommitReservationMutation, CommitReservationMutationVariables>;
export const CreateLocationDocument = new TypedDocumentString(`
    mutation CreateLocation($input: CreateLocationInput!) {
  createLocation(input: $input) {
    __typename
    ... on Location {
      id
      name
      isDefault
    }
    ... on LocationAlreadyExistsError {
      message
      location {
        id
        name
      }
    }
    ... on InvalidInputError {
      message
      field
    }
  }
}
    `) as unknown as TypedDocumentString<CreateLocationMutation, CreateLocationMutationVariables>;
export const CreateProductDocument = new TypedDocumentString(`
    mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) {
    __typename
    ... on Product {
      id
      name
      onHand
      reserved
      available
      lowStockThreshold
      createdAt
      updatedAt
    }
    ... on ProductAlreadyExistsError {
      message
      product {
        id
        name
        available
      }
    }
    ... on InvalidInputError {
      message
      field
    }
    ... on Error {
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CreateProductMutation, CreateProductMutationVariables>;
export const DeductStockDocument = new TypedDocumentString(`
    mutation DeductStock($input: DeductStockInput!) {
  deductStock(input: $input) {
    replayed
    results {
      ... on DeductedItem {
        __typename
        index
        productId
        locationId
        quantity
        remaining
        movementId
        product {
          id
          name
          available
        }
      }
      ... on FailedItem {
        __typename
        index
        productId
        locationId
        quantity
        error {
          ...StockErrorDetails
        }
      }
    }
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}`) as unknown as TypedDocumentString<DeductStockMutation, DeductStockMutationVariables>;
export const ExtendReservationDocument = new TypedDocumentString(`
    mutation ExtendReservation($input: ExtendReservationInput!) {
  extendReservation(input: $input) {
    __typename
    ... on Reservation {
      id
      status
      expiresAt
    }
    ... on ReservationNotFoundError {
      message
    }
    ... on ReservationNotActiveError {
      message
      status
    }
    ... on UnavailableError {
      code
      message
      retryable
      mayHaveApplied
    }
  }
}
    `) as unknown as TypedDocumentString<ExtendReservationMutation, ExtendReservationMutationVariables>;
export const FleetDocument = new TypedDocumentString(`
    query Fleet {
  fleet {
    at
    servers {
      id
      host
      pid
      version
      startedAt
      state
      silentMs
      mysql
      mysqlServer
      redis
      lock {
        configured
        now
      }
      queuedLines
      answeredPerSecond
      delegatedPerSecond
      waits {
        ...FleetDurationsDetails
      }
      commits {
        ...FleetDurationsDetails
      }
    }
    warnings {
      code
      message
      serverId
      since
    }
    rates {
      operation
      outcome
      linesPerSecond
    }
    waits {
      ...FleetDurationsDetails
    }
    commits {
      ...FleetDurationsDetails
    }
    delegatedPerSecond
    queuedLines
    hotProducts {
      productId
      linesPerSecond
      unitsPerSecond
      queuedLines
      ownerId
      soldOutInSeconds
      product {
        name
        available
      }
    }
    moments {
      at
      appliedPerSecond
      soldOutPerSecond
      refusedPerSecond
      queuedLines
      waits {
        ...FleetDurationsDetails
      }
      commits {
        ...FleetDurationsDetails
      }
    }
  }
}
    fragment FleetDurationsDetails on FleetDurations {
  count
  p50Ms
  p99Ms
}`) as unknown as TypedDocumentString<FleetQuery, FleetQueryVariables>;
export const IncreaseStockDocument = new TypedDocumentString(`
    mutation IncreaseStock($input: IncreaseStockInput!) {
  increaseStock(input: $input) {
    replayed
    results {
      ... on IncreasedItem {
        __typename
        index
        productId
        locationId
        quantity
        remaining
        movementId
        product {
          id
          name
          available
        }
      }
      ... on FailedItem {
        __typename
        index
        productId
        locationId
        quantity
        error {
          ...StockErrorDetails
        }
      }
    }
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}`) as unknown as TypedDocumentString<IncreaseStockMutation, IncreaseStockMutationVariables>;
export const JourneyDocument = new TypedDocumentString(`
    query Journey($id: ID!, $first: Int, $after: String, $principal: String) {
  journey(id: $id, first: $first, after: $after, principal: $principal) {
    id
    kinds
    events {
      kind
      at
      text
      principal
      reservationId
      operationId
    }
    lines {
      edges {
        cursor
        node {
          operationId
          lineIndex
          askedAt
          waitedMs
          batch {
            id
            lines
          }
          movement {
            ...MovementDetails
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    fragment MovementDetails on StockMovement {
  id
  productId
  locationId
  sequence
  kind
  delta
  quantityBefore
  quantityAfter
  reason
  reference
  idempotencyKey
  principal
  fencingToken
  createdAt
}`) as unknown as TypedDocumentString<JourneyQuery, JourneyQueryVariables>;
export const LocationsDocument = new TypedDocumentString(`
    query Locations {
  locations {
    id
    name
    isDefault
  }
}
    `) as unknown as TypedDocumentString<LocationsQuery, LocationsQueryVariables>;
export const ProductMovementsDocument = new TypedDocumentString(`
    query ProductMovements($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $filter: MovementFilter) {
  product(id: $id) {
    id
    onHand
    movements(
      first: $first
      after: $after
      last: $last
      before: $before
      filter: $filter
    ) {
      edges {
        cursor
        node {
          ...MovementDetails
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
}
    fragment MovementDetails on StockMovement {
  id
  productId
  locationId
  sequence
  kind
  delta
  quantityBefore
  quantityAfter
  reason
  reference
  idempotencyKey
  principal
  fencingToken
  createdAt
}`) as unknown as TypedDocumentString<ProductMovementsQuery, ProductMovementsQueryVariables>;
export const ProductDocument = new TypedDocumentString(`
    query Product($id: ID!) {
  product(id: $id) {
    id
    name
    onHand
    reserved
    available
    lowStockThreshold
    archivedAt
    createdAt
    updatedAt
    levels {
      id
      productId
      locationId
      location {
        name
      }
      onHand
      reserved
      available
    }
  }
}
    `) as unknown as TypedDocumentString<ProductQuery, ProductQueryVariables>;
export const ProductsWithLevelsDocument = new TypedDocumentString(`
    query ProductsWithLevels($first: Int, $after: String, $filter: ProductFilter) {
  products(first: $first, after: $after, filter: $filter) {
    nodes {
      id
      name
      onHand
      reserved
      available
      levels {
        locationId
        onHand
        reserved
        available
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<ProductsWithLevelsQuery, ProductsWithLevelsQueryVariables>;
export const ProductsWithStockDocument = new TypedDocumentString(`
    query ProductsWithStock($first: Int!, $after: String, $movements: Int!, $filter: ProductFilter) {
  products(first: $first, after: $after, filter: $filter) {
    nodes {
      id
      name
      available
      levels {
        locationId
        onHand
        reserved
        available
      }
      movements(first: $movements) {
        nodes {
          id
          kind
          delta
          quantityAfter
          createdAt
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<ProductsWithStockQuery, ProductsWithStockQueryVariables>;
export const ProductsDocument = new TypedDocumentString(`
    query Products($first: Int, $after: String, $last: Int, $before: String, $filter: ProductFilter) {
  products(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    edges {
      cursor
      node {
        id
        name
        available
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<ProductsQuery, ProductsQueryVariables>;
export const ReleaseReservationDocument = new TypedDocumentString(`
    mutation ReleaseReservation($input: ReleaseReservationInput!) {
  releaseReservation(input: $input) {
    __typename
    ... on ReservationReleased {
      replayed
      reservation {
        ...ReservationDetails
      }
    }
    ... on ReservationNotActiveError {
      status
    }
    ... on Error {
      message
    }
    ...StockErrorDetails
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}
fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}`) as unknown as TypedDocumentString<ReleaseReservationMutation, ReleaseReservationMutationVariables>;
export const ReservationDocument = new TypedDocumentString(`
    query Reservation($id: ID!) {
  reservation(id: $id) {
    ...ReservationDetails
  }
}
    fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}`) as unknown as TypedDocumentString<ReservationQuery, ReservationQueryVariables>;
export const ReservationsDocument = new TypedDocumentString(`
    query Reservations($first: Int, $after: String, $last: Int, $before: String, $filter: ReservationFilter) {
  reservations(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    edges {
      cursor
      node {
        ...ReservationDetails
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
    fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}`) as unknown as TypedDocumentString<ReservationsQuery, ReservationsQueryVariables>;
export const ReserveStockDocument = new TypedDocumentString(`
    mutation ReserveStock($input: ReserveStockInput!) {
  reserveStock(input: $input) {
    replayed
    reservation {
      ...ReservationDetails
    }
    failedItems {
      index
      productId
      locationId
      quantity
      error {
        ...StockErrorDetails
      }
    }
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}
fragment ReservationDetails on Reservation {
  id
  status
  expiresAt
  createdAt
  reference
  items {
    productId
    locationId
    quantity
  }
}`) as unknown as TypedDocumentString<ReserveStockMutation, ReserveStockMutationVariables>;
export const RestoreProductDocument = new TypedDocumentString(`
    mutation RestoreProduct($input: RestoreProductInput!) {
  restoreProduct(input: $input) {
    __typename
    ... on Product {
      id
      archivedAt
    }
    ... on ProductNotFoundError {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<RestoreProductMutation, RestoreProductMutationVariables>;
export const SetStockDocument = new TypedDocumentString(`
    mutation SetStock($input: SetStockInput!) {
  setStock(input: $input) {
    __typename
    ... on StockSet {
      movementId
      replayed
      product {
        id
        onHand
        available
      }
    }
    ...StockErrorDetails
    ... on StaleQuantityError {
      expected
      actual
    }
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}`) as unknown as TypedDocumentString<SetStockMutation, SetStockMutationVariables>;
export const StockChangedDocument = new TypedDocumentString(`
    subscription StockChanged($productIds: [ID!]) {
  stockChanged(productIds: $productIds) {
    __typename
    ... on StockChange {
      productId
      locationId
      onHand
      reserved
      available
      productAvailable
      version
      lowStock
      product {
        id
        name
        onHand
        reserved
        available
        lowStockThreshold
        archivedAt
      }
    }
    ... on StockChangesMissed {
      since
    }
  }
}
    `) as unknown as TypedDocumentString<StockChangedSubscription, StockChangedSubscriptionVariables>;
export const StockMovementsDocument = new TypedDocumentString(`
    query StockMovements($productId: ID, $first: Int, $after: String, $last: Int, $before: String, $filter: MovementFilter) {
  stockMovements(
    productId: $productId
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    edges {
      cursor
      node {
        ...MovementDetails
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
    fragment MovementDetails on StockMovement {
  id
  productId
  locationId
  sequence
  kind
  delta
  quantityBefore
  quantityAfter
  reason
  reference
  idempotencyKey
  principal
  fencingToken
  createdAt
}`) as unknown as TypedDocumentString<StockMovementsQuery, StockMovementsQueryVariables>;
export const TransferStockDocument = new TypedDocumentString(`
    mutation TransferStock($input: TransferStockInput!) {
  transferStock(input: $input) {
    __typename
    ... on StockTransferred {
      movementIds
      replayed
      product {
        id
        levels {
          locationId
          onHand
          available
        }
      }
    }
    ...StockErrorDetails
  }
}
    fragment StockErrorDetails on StockError {
  __typename
  code
  message
  retryable
  ... on InsufficientStockError {
    requested
    available
  }
  ... on LockTimeoutError {
    waitedMs
    retryAfterMs
  }
  ... on OverloadedError {
    retryAfterMs
  }
  ... on UnavailableError {
    mayHaveApplied
  }
}`) as unknown as TypedDocumentString<TransferStockMutation, TransferStockMutationVariables>;
export const UpdateLocationDocument = new TypedDocumentString(`
    mutation UpdateLocation($input: UpdateLocationInput!) {
  updateLocation(input: $input) {
    __typename
    ... on Location {
      id
      name
      isDefault
    }
    ... on LocationNotFoundError {
      code
      message
    }
    ... on InvalidInputError {
      message
      field
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateLocationMutation, UpdateLocationMutationVariables>;
export const UpdateProductDocument = new TypedDocumentString(`
    mutation UpdateProduct($input: UpdateProductInput!) {
  updateProduct(input: $input) {
    __typename
    ... on Product {
      id
      name
      lowStockThreshold
      updatedAt
    }
    ... on ProductNotFoundError {
      code
      message
    }
    ... on InvalidInputError {
      message
      field
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateProductMutation, UpdateProductMutationVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    principal
    scopes
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
/** Operations whose input may have an idempotencyKey. */
export const KEYED_OPERATIONS: ReadonlySet<string> = new Set([
  'CommitReservation',
  'DeductStock',
  'IncreaseStock',
  'ReleaseReservation',
  'ReserveStock',
  'SetStock',
  'TransferStock',
]);