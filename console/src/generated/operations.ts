/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type ArchiveProductInput = {
  id: string | number;
};

/** What happens to the other lines when one fails. */
export type BatchMode =
  /** All lines or none, in one transaction. */
  | 'ALL_OR_NOTHING'
  /** Each line is applied or refused on its own. */
  | 'PARTIAL';

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

/** What serializes the writes of the trial's servers: a value of STOCK_LOCK. */
export type SaleTrialLock =
  /** `SELECT … FOR UPDATE`. */
  | 'DATABASE'
  /** Nothing: the conditional `UPDATE` alone decides. */
  | 'NONE'
  /** The lock in Redis, with a queue and owners. */
  | 'REDIS'
  /** A majority of three Redis, which are started for the trial. */
  | 'REDLOCK';

/** How far a trial is. */
export type SaleTrialState =
  /** The ledger is being verified. */
  | 'CHECKING'
  /** All buyers have asked, and the ledger was verified. */
  | 'DONE'
  /** It could not be carried out; `problem` says why. */
  | 'FAILED'
  /** Buyers ask. */
  | 'SELLING'
  /** Its servers and its buyers are starting. */
  | 'STARTING'
  /** It was stopped before it was done. */
  | 'STOPPED';

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

export type StartSaleTrialInput = {
  /** 1 to 5,000. */
  buyers?: number;
  lock?: SaleTrialLock;
  /** Server processes that the buyers are divided among, 1 to 4. */
  servers?: number;
  /** 1 to 100,000. */
  units?: number;
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

export type StopSaleTrialInput = {
  id: string | number;
};

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

/** What is left out stays as it is. */
export type UpdateProductInput = {
  id: string | number;
  /** 0 or more. Null takes the threshold away: stock is never low. */
  lowStockThreshold?: number | null | undefined;
  /** 1 to 255 characters, not only spaces. */
  name?: string | null | undefined;
};

export type ConsoleCreateProductMutationVariables = Exact<{
  input: CreateProductInput;
}>;


export type ConsoleCreateProductMutation = { createProduct:
    | { __typename: 'InvalidInputError', field: string, message: string }
    | { __typename: 'Product', id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null }
    | { __typename: 'ProductAlreadyExistsError', message: string }
   };

export type ConsoleUpdateProductMutationVariables = Exact<{
  input: UpdateProductInput;
}>;


export type ConsoleUpdateProductMutation = { updateProduct:
    | { __typename: 'InvalidInputError', field: string, message: string }
    | { __typename: 'Product', id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null }
    | { __typename: 'ProductNotFoundError', message: string }
   };

export type ConsoleArchiveProductMutationVariables = Exact<{
  input: ArchiveProductInput;
}>;


export type ConsoleArchiveProductMutation = { archiveProduct:
    | { __typename: 'InvalidInputError', message: string }
    | { __typename: 'Product', id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null }
    | { __typename: 'ProductNotFoundError', message: string }
   };

export type ConsoleRestoreProductMutationVariables = Exact<{
  input: RestoreProductInput;
}>;


export type ConsoleRestoreProductMutation = { restoreProduct:
    | { __typename: 'InvalidInputError', message: string }
    | { __typename: 'Product', id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null }
    | { __typename: 'ProductNotFoundError', message: string }
   };

export type ConsoleCreateLocationMutationVariables = Exact<{
  input: CreateLocationInput;
}>;


export type ConsoleCreateLocationMutation = { createLocation:
    | { __typename: 'InvalidInputError', field: string, message: string }
    | { __typename: 'Location', id: string, name: string }
    | { __typename: 'LocationAlreadyExistsError', message: string }
   };

export type ConsoleSetStockMutationVariables = Exact<{
  input: SetStockInput;
}>;


export type ConsoleSetStockMutation = { setStock:
    | { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean, actual: number }
    | { __typename: 'StockSet', movementId: string | null, replayed: boolean, product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null } | null }
    | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean }
   };

export type ConsoleTransferMutationVariables = Exact<{
  input: TransferStockInput;
}>;


export type ConsoleTransferMutation = { transferStock:
    | { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
    | { __typename: 'StockTransferred', replayed: boolean, product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null } | null }
    | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean }
   };

export type ConsoleIncreaseMutationVariables = Exact<{
  input: IncreaseStockInput;
}>;


export type ConsoleIncreaseMutation = { increaseStock: { replayed: boolean, results: Array<
      | { __typename: 'FailedItem', error:
          | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean }
         }
      | { __typename: 'IncreasedItem', remaining: number, product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null } | null }
    > } };

export type ConsoleDeductMutationVariables = Exact<{
  input: DeductStockInput;
}>;


export type ConsoleDeductMutation = { deductStock: { replayed: boolean, results: Array<
      | { __typename: 'DeductedItem', remaining: number, product: { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null } | null }
      | { __typename: 'FailedItem', error:
          | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
          | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean }
         }
    > } };

export type ConsoleReserveMutationVariables = Exact<{
  input: ReserveStockInput;
}>;


export type ConsoleReserveMutation = { reserveStock: { replayed: boolean, reservation: { id: string, status: ReservationStatus, createdAt: string, expiresAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } | null, failedItems: Array<{ error:
        | { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean }
        | { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean }
       }> } };

type LineError_AbortedError_Fragment = { __typename: 'AbortedError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_InsufficientStockError_Fragment = { __typename: 'InsufficientStockError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_InvalidQuantityError_Fragment = { __typename: 'InvalidQuantityError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_LocationNotFoundError_Fragment = { __typename: 'LocationNotFoundError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_LockTimeoutError_Fragment = { __typename: 'LockTimeoutError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_OverloadedError_Fragment = { __typename: 'OverloadedError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_ProductArchivedError_Fragment = { __typename: 'ProductArchivedError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_ProductNotFoundError_Fragment = { __typename: 'ProductNotFoundError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_StaleQuantityError_Fragment = { __typename: 'StaleQuantityError', code: StockErrorCode, message: string, retryable: boolean };

type LineError_UnavailableError_Fragment = { __typename: 'UnavailableError', code: StockErrorCode, message: string, retryable: boolean };

export type LineErrorFragment =
  | LineError_AbortedError_Fragment
  | LineError_InsufficientStockError_Fragment
  | LineError_InvalidQuantityError_Fragment
  | LineError_LocationNotFoundError_Fragment
  | LineError_LockTimeoutError_Fragment
  | LineError_OverloadedError_Fragment
  | LineError_ProductArchivedError_Fragment
  | LineError_ProductNotFoundError_Fragment
  | LineError_StaleQuantityError_Fragment
  | LineError_UnavailableError_Fragment
;

export type ConsoleViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ConsoleViewerQuery = { viewer: { principal: string | null, scopes: Array<Scope> } };

export type ConsoleFleetQueryVariables = Exact<{ [key: string]: never; }>;


export type ConsoleFleetQuery = { fleet: { at: string, delegatedPerSecond: number, queuedLines: number, servers: Array<{ id: string, host: string, pid: number, version: string, startedAt: string, state: FleetServerState, silentMs: number, mysql: string | null, mysqlServer: string | null, redis: Array<string>, queuedLines: number, answeredPerSecond: number, lock: { configured: string, now: string }, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null } }>, warnings: Array<{ code: FleetWarningCode, message: string, serverId: string | null, since: string | null }>, rates: Array<{ operation: string, outcome: string, linesPerSecond: number }>, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null }, hotProducts: Array<{ productId: string, linesPerSecond: number, unitsPerSecond: number, queuedLines: number, ownerId: string | null, soldOutInSeconds: number | null, product: { name: string, available: number } | null }>, moments: Array<{ at: string, appliedPerSecond: number, soldOutPerSecond: number, refusedPerSecond: number, queuedLines: number, waits: { count: number, p50Ms: number | null, p99Ms: number | null }, commits: { count: number, p50Ms: number | null, p99Ms: number | null } }> } };

export type DurationsFragment = { count: number, p50Ms: number | null, p99Ms: number | null };

export type ConsoleJourneyQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ConsoleJourneyQuery = { journey: { id: string, kinds: Array<JourneyKind>, events: Array<{ kind: JourneyEventKind, at: string | null, text: string, principal: string | null, reservationId: string | null, operationId: string | null }>, lines: { nodes: Array<{ operationId: string, lineIndex: number, askedAt: string | null, waitedMs: number | null, batch: { id: string, lines: number }, movement: { id: string, productId: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type ConsoleProductsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: ProductFilter | null | undefined;
}>;


export type ConsoleProductsQuery = { products: { nodes: Array<{ id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ConsoleProductQueryVariables = Exact<{
  id: string | number;
}>;


export type ConsoleProductQuery = { product: { createdAt: string, updatedAt: string, id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null, levels: Array<{ id: string, locationId: string, onHand: number, reserved: number, available: number, location: { id: string, name: string } }> } | null };

export type ConsoleLedgerQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: MovementFilter | null | undefined;
}>;


export type ConsoleLedgerQuery = { product: { id: string, onHand: number, movements: { nodes: Array<{ id: string, locationId: string, sequence: number, kind: StockMovementKind, delta: number, quantityBefore: number, quantityAfter: number, reason: string | null, reference: string | null, idempotencyKey: string | null, principal: string | null, fencingToken: string | null, createdAt: string }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type ConsoleQuantitiesQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ConsoleQuantitiesQuery = { product: { id: string, onHand: number, movements: { nodes: Array<{ id: string, delta: number, createdAt: string }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type ConsoleLocationsQueryVariables = Exact<{ [key: string]: never; }>;


export type ConsoleLocationsQuery = { locations: Array<{ id: string, name: string, isDefault: boolean }> };

export type ConsoleLevelsSubscriptionVariables = Exact<{
  productIds?: Array<string | number> | string | number | null | undefined;
}>;


export type ConsoleLevelsSubscription = { stockChanged:
    | { __typename: 'StockChange', productId: string, locationId: string, onHand: number, reserved: number, available: number, productAvailable: number, version: number, lowStock: boolean }
    | { __typename: 'StockChangesMissed', since: string | null }
   };

export type ProductRowFragment = { id: string, name: string, onHand: number, reserved: number, available: number, lowStockThreshold: number | null, archivedAt: string | null };

export type ConsoleReservationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: ReservationFilter | null | undefined;
}>;


export type ConsoleReservationsQuery = { reservations: { nodes: Array<{ id: string, status: ReservationStatus, createdAt: string, expiresAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ConsoleExtendMutationVariables = Exact<{
  input: ExtendReservationInput;
}>;


export type ConsoleExtendMutation = { extendReservation:
    | { __typename: 'Reservation', id: string, status: ReservationStatus, createdAt: string, expiresAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> }
    | { __typename: 'ReservationNotActiveError', message: string }
    | { __typename: 'ReservationNotFoundError', message: string }
    | { __typename: 'UnavailableError', message: string }
   };

export type ConsoleReleaseMutationVariables = Exact<{
  input: ReleaseReservationInput;
}>;


export type ConsoleReleaseMutation = { releaseReservation:
    | { __typename: 'LockTimeoutError', message: string, retryable: boolean }
    | { __typename: 'OverloadedError', message: string, retryable: boolean }
    | { __typename: 'ReservationNotActiveError', message: string }
    | { __typename: 'ReservationNotFoundError', message: string }
    | { __typename: 'ReservationReleased', reservation: { id: string, status: ReservationStatus, createdAt: string, expiresAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> } }
    | { __typename: 'UnavailableError', message: string, retryable: boolean }
   };

export type ReservationRowFragment = { id: string, status: ReservationStatus, createdAt: string, expiresAt: string, reference: string | null, items: Array<{ productId: string, locationId: string, quantity: number }> };

export type ConsoleSaleTrialQueryVariables = Exact<{ [key: string]: never; }>;


export type ConsoleSaleTrialQuery = { saleTrial: { id: string, productId: string, state: SaleTrialState, buyers: number, units: number, lock: SaleTrialLock, servers: number, asked: number, sold: number, waiting: number, lastAnswerMs: number | null, p50Ms: number | null, p99Ms: number | null, problem: string | null, refused: Array<{ code: string, count: number }>, failed: Array<{ code: string, count: number }>, history: Array<{ atMs: number, asked: number, sold: number, refused: number, failed: number, waiting: number }>, ledger: { ok: boolean, verdict: string, soldUnits: number, oversold: number, unexplained: number } | null } | null };

export type ConsoleStartSaleTrialMutationVariables = Exact<{
  input: StartSaleTrialInput;
}>;


export type ConsoleStartSaleTrialMutation = { startSaleTrial:
    | { __typename: 'InvalidInputError', field: string, message: string }
    | { __typename: 'SaleTrial', id: string, productId: string, state: SaleTrialState }
    | { __typename: 'SaleTrialUnderWay', message: string, trial: { id: string } }
   };

export type ConsoleStopSaleTrialMutationVariables = Exact<{
  input: StopSaleTrialInput;
}>;


export type ConsoleStopSaleTrialMutation = { stopSaleTrial: { id: string, state: SaleTrialState } | null };

export const LineErrorFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LineError"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]} as unknown as DocumentNode<LineErrorFragment, unknown>;
export const DurationsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Durations"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"FleetDurations"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"p50Ms"}},{"kind":"Field","name":{"kind":"Name","value":"p99Ms"}}]}}]} as unknown as DocumentNode<DurationsFragment, unknown>;
export const ProductRowFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ProductRowFragment, unknown>;
export const ReservationRowFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ReservationRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"items"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}}]} as unknown as DocumentNode<ReservationRowFragment, unknown>;
export const ConsoleCreateProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleCreateProduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateProductInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createProduct"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInputError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"field"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleCreateProductMutation, ConsoleCreateProductMutationVariables>;
export const ConsoleUpdateProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleUpdateProduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UpdateProductInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"updateProduct"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInputError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"field"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleUpdateProductMutation, ConsoleUpdateProductMutationVariables>;
export const ConsoleArchiveProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleArchiveProduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ArchiveProductInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"archiveProduct"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleArchiveProductMutation, ConsoleArchiveProductMutationVariables>;
export const ConsoleRestoreProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleRestoreProduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RestoreProductInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"restoreProduct"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleRestoreProductMutation, ConsoleRestoreProductMutationVariables>;
export const ConsoleCreateLocationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleCreateLocation"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateLocationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createLocation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Location"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInputError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"field"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleCreateLocationMutation, ConsoleCreateLocationMutationVariables>;
export const ConsoleSetStockDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleSetStock"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"SetStockInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"setStock"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockSet"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"movementId"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StaleQuantityError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"actual"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleSetStockMutation, ConsoleSetStockMutationVariables>;
export const ConsoleTransferDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleTransfer"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TransferStockInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"transferStock"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockTransferred"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleTransferMutation, ConsoleTransferMutationVariables>;
export const ConsoleIncreaseDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleIncrease"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"IncreaseStockInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"increaseStock"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"results"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"IncreasedItem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"remaining"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"FailedItem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LineError"}}]}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LineError"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]} as unknown as DocumentNode<ConsoleIncreaseMutation, ConsoleIncreaseMutationVariables>;
export const ConsoleDeductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleDeduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"DeductStockInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"deductStock"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"results"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"DeductedItem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"remaining"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"FailedItem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LineError"}}]}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LineError"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]} as unknown as DocumentNode<ConsoleDeductMutation, ConsoleDeductMutationVariables>;
export const ConsoleReserveDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleReserve"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReserveStockInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reserveStock"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"reservation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ReservationRow"}}]}},{"kind":"Field","name":{"kind":"Name","value":"failedItems"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LineError"}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ReservationRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"items"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LineError"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]} as unknown as DocumentNode<ConsoleReserveMutation, ConsoleReserveMutationVariables>;
export const ConsoleViewerDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleViewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"principal"}},{"kind":"Field","name":{"kind":"Name","value":"scopes"}}]}}]}}]} as unknown as DocumentNode<ConsoleViewerQuery, ConsoleViewerQueryVariables>;
export const ConsoleFleetDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleFleet"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fleet"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"at"}},{"kind":"Field","name":{"kind":"Name","value":"servers"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"host"}},{"kind":"Field","name":{"kind":"Name","value":"pid"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"startedAt"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"silentMs"}},{"kind":"Field","name":{"kind":"Name","value":"mysql"}},{"kind":"Field","name":{"kind":"Name","value":"mysqlServer"}},{"kind":"Field","name":{"kind":"Name","value":"redis"}},{"kind":"Field","name":{"kind":"Name","value":"lock"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"configured"}},{"kind":"Field","name":{"kind":"Name","value":"now"}}]}},{"kind":"Field","name":{"kind":"Name","value":"queuedLines"}},{"kind":"Field","name":{"kind":"Name","value":"answeredPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"waits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}},{"kind":"Field","name":{"kind":"Name","value":"commits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"warnings"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"serverId"}},{"kind":"Field","name":{"kind":"Name","value":"since"}}]}},{"kind":"Field","name":{"kind":"Name","value":"rates"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"operation"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"linesPerSecond"}}]}},{"kind":"Field","name":{"kind":"Name","value":"waits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}},{"kind":"Field","name":{"kind":"Name","value":"commits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}},{"kind":"Field","name":{"kind":"Name","value":"delegatedPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"queuedLines"}},{"kind":"Field","name":{"kind":"Name","value":"hotProducts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"linesPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"unitsPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"queuedLines"}},{"kind":"Field","name":{"kind":"Name","value":"ownerId"}},{"kind":"Field","name":{"kind":"Name","value":"soldOutInSeconds"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"moments"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"at"}},{"kind":"Field","name":{"kind":"Name","value":"appliedPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"soldOutPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"refusedPerSecond"}},{"kind":"Field","name":{"kind":"Name","value":"queuedLines"}},{"kind":"Field","name":{"kind":"Name","value":"waits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}},{"kind":"Field","name":{"kind":"Name","value":"commits"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Durations"}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Durations"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"FleetDurations"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"p50Ms"}},{"kind":"Field","name":{"kind":"Name","value":"p99Ms"}}]}}]} as unknown as DocumentNode<ConsoleFleetQuery, ConsoleFleetQueryVariables>;
export const ConsoleJourneyDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleJourney"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"journey"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"kinds"}},{"kind":"Field","name":{"kind":"Name","value":"events"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"at"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"principal"}},{"kind":"Field","name":{"kind":"Name","value":"reservationId"}},{"kind":"Field","name":{"kind":"Name","value":"operationId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"lines"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"operationId"}},{"kind":"Field","name":{"kind":"Name","value":"lineIndex"}},{"kind":"Field","name":{"kind":"Name","value":"askedAt"}},{"kind":"Field","name":{"kind":"Name","value":"waitedMs"}},{"kind":"Field","name":{"kind":"Name","value":"batch"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"lines"}}]}},{"kind":"Field","name":{"kind":"Name","value":"movement"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"sequence"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"delta"}},{"kind":"Field","name":{"kind":"Name","value":"quantityBefore"}},{"kind":"Field","name":{"kind":"Name","value":"quantityAfter"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"idempotencyKey"}},{"kind":"Field","name":{"kind":"Name","value":"principal"}},{"kind":"Field","name":{"kind":"Name","value":"fencingToken"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleJourneyQuery, ConsoleJourneyQueryVariables>;
export const ConsoleProductsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleProducts"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"ProductFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"products"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleProductsQuery, ConsoleProductsQueryVariables>;
export const ConsoleProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleProduct"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"product"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ProductRow"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}},{"kind":"Field","name":{"kind":"Name","value":"levels"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"location"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ProductRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"lowStockThreshold"}},{"kind":"Field","name":{"kind":"Name","value":"archivedAt"}}]}}]} as unknown as DocumentNode<ConsoleProductQuery, ConsoleProductQueryVariables>;
export const ConsoleLedgerDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleLedger"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"MovementFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"product"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"movements"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"sequence"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"delta"}},{"kind":"Field","name":{"kind":"Name","value":"quantityBefore"}},{"kind":"Field","name":{"kind":"Name","value":"quantityAfter"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"idempotencyKey"}},{"kind":"Field","name":{"kind":"Name","value":"principal"}},{"kind":"Field","name":{"kind":"Name","value":"fencingToken"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleLedgerQuery, ConsoleLedgerQueryVariables>;
export const ConsoleQuantitiesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleQuantities"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"product"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"movements"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"delta"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleQuantitiesQuery, ConsoleQuantitiesQueryVariables>;
export const ConsoleLocationsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleLocations"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"locations"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"isDefault"}}]}}]}}]} as unknown as DocumentNode<ConsoleLocationsQuery, ConsoleLocationsQueryVariables>;
export const ConsoleLevelsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"ConsoleLevels"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"productIds"}},"type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"stockChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"productIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"productIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockChange"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"onHand"}},{"kind":"Field","name":{"kind":"Name","value":"reserved"}},{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"productAvailable"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"lowStock"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockChangesMissed"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"since"}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleLevelsSubscription, ConsoleLevelsSubscriptionVariables>;
export const ConsoleReservationsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleReservations"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"ReservationFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reservations"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ReservationRow"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ReservationRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"items"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}}]} as unknown as DocumentNode<ConsoleReservationsQuery, ConsoleReservationsQueryVariables>;
export const ConsoleExtendDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleExtend"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ExtendReservationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"extendReservation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ReservationRow"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ReservationRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"items"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}}]} as unknown as DocumentNode<ConsoleExtendMutation, ConsoleExtendMutationVariables>;
export const ConsoleReleaseDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleRelease"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReleaseReservationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"releaseReservation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ReservationReleased"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reservation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ReservationRow"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Error"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StockError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryable"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ReservationRow"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Reservation"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"reference"}},{"kind":"Field","name":{"kind":"Name","value":"items"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"locationId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}}]} as unknown as DocumentNode<ConsoleReleaseMutation, ConsoleReleaseMutationVariables>;
export const ConsoleSaleTrialDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ConsoleSaleTrial"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"saleTrial"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"buyers"}},{"kind":"Field","name":{"kind":"Name","value":"units"}},{"kind":"Field","name":{"kind":"Name","value":"lock"}},{"kind":"Field","name":{"kind":"Name","value":"servers"}},{"kind":"Field","name":{"kind":"Name","value":"asked"}},{"kind":"Field","name":{"kind":"Name","value":"sold"}},{"kind":"Field","name":{"kind":"Name","value":"refused"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"count"}}]}},{"kind":"Field","name":{"kind":"Name","value":"failed"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"count"}}]}},{"kind":"Field","name":{"kind":"Name","value":"waiting"}},{"kind":"Field","name":{"kind":"Name","value":"lastAnswerMs"}},{"kind":"Field","name":{"kind":"Name","value":"p50Ms"}},{"kind":"Field","name":{"kind":"Name","value":"p99Ms"}},{"kind":"Field","name":{"kind":"Name","value":"history"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"atMs"}},{"kind":"Field","name":{"kind":"Name","value":"asked"}},{"kind":"Field","name":{"kind":"Name","value":"sold"}},{"kind":"Field","name":{"kind":"Name","value":"refused"}},{"kind":"Field","name":{"kind":"Name","value":"failed"}},{"kind":"Field","name":{"kind":"Name","value":"waiting"}}]}},{"kind":"Field","name":{"kind":"Name","value":"ledger"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"ok"}},{"kind":"Field","name":{"kind":"Name","value":"verdict"}},{"kind":"Field","name":{"kind":"Name","value":"soldUnits"}},{"kind":"Field","name":{"kind":"Name","value":"oversold"}},{"kind":"Field","name":{"kind":"Name","value":"unexplained"}}]}},{"kind":"Field","name":{"kind":"Name","value":"problem"}}]}}]}}]} as unknown as DocumentNode<ConsoleSaleTrialQuery, ConsoleSaleTrialQueryVariables>;
export const ConsoleStartSaleTrialDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleStartSaleTrial"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"StartSaleTrialInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"startSaleTrial"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"SaleTrial"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"state"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"SaleTrialUnderWay"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"trial"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInputError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<ConsoleStartSaleTrialMutation, ConsoleStartSaleTrialMutationVariables>;
export const ConsoleStopSaleTrialDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ConsoleStopSaleTrial"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"StopSaleTrialInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"stopSaleTrial"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"state"}}]}}]}}]} as unknown as DocumentNode<ConsoleStopSaleTrialMutation, ConsoleStopSaleTrialMutationVariables>;