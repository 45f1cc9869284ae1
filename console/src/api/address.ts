/** What a page shows, in its address: so a reload, a link and the browser's Back keep it. */
import { useSearchParams } from 'react-router';

/** Changes some of the address's parameters. An empty one is left out, and those that are not named stay. */
export type ShowAddress = (changes: Readonly<Record<string, string>>) => void;

export function useAddress(): readonly [URLSearchParams, ShowAddress] {
  const [params, setParams] = useSearchParams();
  const show: ShowAddress = (changes) => {
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) {
          if (value === '') next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  };
  return [params, show];
}
