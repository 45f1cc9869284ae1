/** The places that hold stock. */
import { Field, ID, InputType, ObjectType, createUnionType } from 'type-graphql';
import { DEFAULT_LOCATION_ID } from '../../inventory/stock.js';
import { AnyError, InvalidInputError } from './stock-error.js';

@ObjectType('Location', {
  simpleResolvers: true,
  description: `A place that holds stock. The one with the id \`${DEFAULT_LOCATION_ID}\` is there from the start.`,
})
export class Location {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => String)
  readonly name!: string;

  @Field(() => Boolean, { description: 'Whether it is meant where no location is named.' })
  readonly isDefault!: boolean;
}

@InputType('CreateLocationInput')
export class CreateLocationInput {
  @Field(() => ID, { description: '1 to 64 characters of A-Z a-z 0-9 . _ : - ; case matters.' })
  readonly id!: string;

  @Field(() => String, { description: '1 to 255 characters, not all of them spaces.' })
  readonly name!: string;
}

@ObjectType('LocationAlreadyExistsError', {
  implements: AnyError,
  description: 'There is a location with this id, and it stays as it is.',
})
export class LocationAlreadyExistsError extends AnyError {
  readonly locationId!: string;
}

export const CreateLocationResult = createUnionType({
  name: 'CreateLocationResult',
  description: 'The new location, or why there is none.',
  types: () => [Location, LocationAlreadyExistsError, InvalidInputError] as const,
});
