/** Locations that hold stock, and the storage port that reads, creates and renames them. */
import type { Deadline } from '../time/deadline.js';

export interface Location {
  readonly id: string;
  readonly name: string;
  /** Whether it is the built-in location, used when a request names none. */
  readonly isDefault: boolean;
}

/** Each method rejects with StorageUnavailableError without a database, and at its caller's end. */
export interface LocationCatalogue {
  /** By id, the default one first. */
  locations(deadline: Deadline): Promise<readonly Location[]>;
  /** Those that exist, in any order. */
  locationsByIds(ids: readonly string[], deadline: Deadline): Promise<readonly Location[]>;
  /** Resolves with null if a location with this id exists; that one is not changed. */
  createLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<Location | null>;
  /** Resolves with null where no location has this id. A repetition changes nothing more. */
  renameLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<Location | null>;
}
