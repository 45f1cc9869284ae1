/** Locations that hold stock. Creating and renaming one can be repeated: a second call changes nothing. */
import { inSlot, type CommitSlots } from './lanes/commit-slots.js';
import { checkId, idRule, invalidInput, type InvalidInput } from './operation.js';
import { isValidName, nameRule } from './product-service.js';
import { isValidId } from './stock.js';
import type { Deadline } from '../time/deadline.js';
import type { Location, LocationCatalogue } from './locations.js';

export interface CreateLocationRequest {
  readonly id: string;
  readonly name: string;
}

export type CreateLocationResult =
  | { readonly outcome: 'CREATED'; readonly location: Location }
  | { readonly outcome: 'ALREADY_EXISTS'; readonly locationId: string }
  | InvalidInput;

export type UpdateLocationResult =
  | { readonly outcome: 'UPDATED'; readonly location: Location }
  | { readonly outcome: 'NOT_FOUND' }
  | InvalidInput;

export class LocationService {
  /** The most locations that were read so far. */
  mostLocations = 1;

  constructor(
    private readonly catalogue: LocationCatalogue,
    private readonly slots: CommitSlots,
  ) {}

  /** @throws StorageUnavailableError without a database; a retry is safe. */
  async createLocation(
    { id, name }: CreateLocationRequest,
    deadline: Deadline,
  ): Promise<CreateLocationResult> {
    if (!isValidId(id)) return invalidInput('id', idRule(id));
    if (!isValidName(name)) return invalidInput('name', nameRule(name));
    const location = await inSlot(this.slots, deadline, (end) =>
      this.catalogue.createLocation({ id, name }, end),
    );
    if (!location) return { outcome: 'ALREADY_EXISTS', locationId: id };
    return { outcome: 'CREATED', location };
  }

  /** @throws InvalidRequestError for an id of the wrong form; StorageUnavailableError: a retry is safe. */
  async updateLocation(
    { id, name }: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<UpdateLocationResult> {
    checkId(id, 'id');
    if (!isValidName(name)) return invalidInput('name', nameRule(name));
    const location = await inSlot(this.slots, deadline, (end) =>
      this.catalogue.renameLocation({ id, name }, end),
    );
    return location ? { outcome: 'UPDATED', location } : { outcome: 'NOT_FOUND' };
  }

  /** For each id its location, or null, in the order of the ids. @throws StorageUnavailableError */
  async locationsByIds(ids: readonly string[], deadline: Deadline): Promise<(Location | null)[]> {
    const known = [...new Set(ids.filter(isValidId))];
    const found = known.length > 0 ? await this.catalogue.locationsByIds(known, deadline) : [];
    const byId = new Map(found.map((location) => [location.id, location]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** By id, the default one first. @throws StorageUnavailableError */
  async locations(deadline: Deadline): Promise<readonly Location[]> {
    const locations = await this.catalogue.locations(deadline);
    this.mostLocations = Math.max(this.mostLocations, locations.length);
    return locations;
  }
}
