/** The console's icons: strokes of 1.5 on a grid of 16, in the colour of the text beside them. */
const PATHS = {
  now: 'M1.5 9h3l2-6 3 10.5 2-4.5h3',
  products: 'M2 5l6-3 6 3v6l-6 3-6-3zM2 5l6 3 6-3M8 8v6',
  why: 'M6 6.2a2.1 2.1 0 1 1 2.8 2c-.6.2-.8.6-.8 1.3M8 12v.2M8 1.7a6.3 6.3 0 1 1 0 12.6A6.3 6.3 0 0 1 8 1.7z',
  reservations: 'M4 2h8M4 14h8M5 2v2.5L8 8l3-3.5V2M5 14v-2.5L8 8l3 3.5V14',
  sale: 'M8.7 1.7L3 9.2h4.3l-.9 5.1 5.8-7.7H8z',
  explorer: 'M5.5 4L1.7 8l3.8 4M10.5 4l3.8 4-3.8 4M9.2 2.5l-2.4 11',
  search: 'M7 2.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6zM10.5 10.5l3.5 3.5',
  plus: 'M8 3v10M3 8h10',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  light:
    'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  dark: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z',
  system: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
  warning: 'M8 2l6.5 11.5h-13zM8 6.5v3M8 11.5v.1',
  out: 'M6 2H2.5v12H6M10.5 4.5L14 8l-3.5 3.5M14 8H6',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  right: 'M6 3.5L10.5 8 6 12.5',
  key: 'M5.5 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM7.7 7.8L13.5 2M11 4.5l2 2',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
