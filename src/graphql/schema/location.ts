/** Locations: the types, `locations`, `createLocation` and `updateLocation`. */
import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  createUnionType,
} from 'type-graphql';
import { DEFAULT_LOCATION_ID } from '../../inventory/stock.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, nodesOfLocations } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { ID } from './id.js';
import {
  AnyError,
  InvalidInputError,
  LocationNotFoundError,
  toInvalidInputError,
  toStockError,
} from './stock-error.js';

const NAME_RULE = '1 to 255 characters, not only spaces.';

@ObjectType('Location', {
  simpleResolvers: true,
  description: `A place that holds stock. The location \`${DEFAULT_LOCATION_ID}\` always exists.`,
})
export class Location {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => String)
  readonly name!: string;

  @Field(() => Boolean, { description: 'Whether it is used where an input names no location.' })
  readonly isDefault!: boolean;
}

@InputType('CreateLocationInput')
export class CreateLocationInput {
  @Field(() => ID, { description: '1 to 64 characters of A-Z a-z 0-9 . _ : - ; case-sensitive.' })
  readonly id!: string;

  @Field(() => String, { description: NAME_RULE })
  readonly name!: string;
}

@ObjectType('LocationAlreadyExistsError', {
  implements: AnyError,
  description: 'A location with this id exists. It was not changed.',
})
export class LocationAlreadyExistsError extends AnyError {
  readonly locationId!: string;
}

export const CreateLocationResult = createUnionType({
  name: 'CreateLocationResult',
  description: 'The new location, or the error.',
  types: () => [Location, LocationAlreadyExistsError, InvalidInputError] as const,
});

@InputType('UpdateLocationInput')
export class UpdateLocationInput {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => String, { description: NAME_RULE })
  readonly name!: string;
}

export const UpdateLocationResult = createUnionType({
  name: 'UpdateLocationResult',
  description: 'The location as it is now, or the error.',
  types: () => [Location, LocationNotFoundError, InvalidInputError] as const,
});

@Resolver()
export class LocationResolver {
  @CountsNodes(nodesOfLocations)
  @Query(() => [Location], { description: 'All locations: the default one first, then by id.' })
  @RequiresScope('read')
  locations(@Ctx() context: RequestContext): Promise<readonly Location[]> {
    return context.services.locations.locations(context.caller.deadline);
  }

  @Mutation(() => CreateLocationResult, {
    description:
      'Creates a location. Safe to repeat: a second call with the same id changes nothing.',
  })
  @RequiresScope('manage')
  async createLocation(
    @Arg('input', () => CreateLocationInput) input: CreateLocationInput,
    @Ctx() context: RequestContext,
  ): Promise<Location | LocationAlreadyExistsError | InvalidInputError> {
    const { services, caller } = context;
    const result = await services.locations.createLocation(input, caller.deadline);
    switch (result.outcome) {
      case 'CREATED':
        return Object.assign(new Location(), result.location);
      case 'ALREADY_EXISTS':
        return Object.assign(new LocationAlreadyExistsError(), {
          message: `A location with the id ${result.locationId} exists. Choose another id.`,
          locationId: result.locationId,
        });
      case 'INVALID':
        return toInvalidInputError(result);
    }
  }

  @Mutation(() => UpdateLocationResult, { description: "Changes a location's name." })
  @RequiresScope('manage')
  async updateLocation(
    @Arg('input', () => UpdateLocationInput) input: UpdateLocationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Location | AnyError> {
    const result = await services.locations.updateLocation(input, caller.deadline);
    switch (result.outcome) {
      case 'UPDATED':
        return Object.assign(new Location(), result.location);
      case 'NOT_FOUND':
        return toStockError({ code: 'LOCATION_NOT_FOUND' }, { locationId: input.id });
      case 'INVALID':
        return toInvalidInputError(result);
    }
  }
}

@Resolver(() => LocationAlreadyExistsError)
export class LocationAlreadyExistsErrorResolver {
  @FieldResolver(() => Location, {
    nullable: true,
    description: 'The existing location. Null: it could not be read.',
  })
  location(
    @Root() error: LocationAlreadyExistsError,
    @Ctx() context: RequestContext,
  ): Promise<Location | null> {
    const find = async () => {
      const locations = await context.services.locations.locations(context.caller.deadline);
      return locations.find(({ id }) => id === error.locationId) ?? null;
    };
    return context.orNull(find());
  }
}
