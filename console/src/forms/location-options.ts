/** Locations as the choices of a form. */
interface NamedLocation {
  readonly id: string;
  readonly name: string;
}

const BEFORE_READ = [{ value: 'default', label: 'default' }];

export function locationOptions(
  locations: readonly NamedLocation[] | undefined,
): { value: string; label: string }[] {
  if (!locations) return BEFORE_READ;
  return locations.map(({ id, name }) => ({
    value: id,
    label: name === id ? id : `${name} (${id})`,
  }));
}
