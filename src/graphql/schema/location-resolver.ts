/** Locations: argument → domain → type, nothing else. */
import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { toInvalidInputError, type InvalidInputError } from './stock-error.js';
import {
  CreateLocationInput,
  CreateLocationResult,
  Location,
  LocationAlreadyExistsError,
} from './location.js';
import { RequiresScope } from '../permissions.js';

@Resolver()
export class LocationResolver {
  @Query(() => [Location], { description: 'All of them, the default one first, then by id.' })
  @RequiresScope('read')
  locations(@Ctx() context: RequestContext): Promise<readonly Location[]> {
    return context.inTime(context.services.locations.locations());
  }

  @Mutation(() => CreateLocationResult, {
    description:
      'Adds a location. Safe to repeat: the id is unique, and a second call changes nothing.',
  })
  @RequiresScope('manage')
  async createLocation(
    @Arg('input', () => CreateLocationInput) input: CreateLocationInput,
    @Ctx() context: RequestContext,
  ): Promise<Location | LocationAlreadyExistsError | InvalidInputError> {
    const result = await context.inTime(context.services.locations.createLocation(input));
    switch (result.outcome) {
      case 'CREATED':
        return Object.assign(new Location(), result.location);
      case 'ALREADY_EXISTS':
        return Object.assign(new LocationAlreadyExistsError(), {
          message: 'There is a location with this id already.',
          locationId: result.locationId,
        });
      case 'INVALID':
        return toInvalidInputError(result);
    }
  }
}

@Resolver(() => LocationAlreadyExistsError)
export class LocationAlreadyExistsErrorResolver {
  @FieldResolver(() => Location, {
    nullable: true,
    description: 'The location that is there; null where it could not be read.',
  })
  location(
    @Root() error: LocationAlreadyExistsError,
    @Ctx() context: RequestContext,
  ): Promise<Location | null> {
    const find = async () => {
      const locations = await context.services.locations.locations();
      return locations.find(({ id }) => id === error.locationId) ?? null;
    };
    return context.orNull(find());
  }
}
