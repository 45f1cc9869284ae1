/** A search box whose text arrives a moment after the last key. `/` focuses it from anywhere on the page. */
import { useEffect, useRef, useState } from 'react';
import { Icon } from './icon';

const PAUSE_MS = 200;

export function SearchBox({
  label,
  value,
  onSearch,
  placeholder,
  autoFocus = false,
}: {
  readonly label: string;
  readonly value: string;
  readonly onSearch: (text: string) => void;
  readonly placeholder?: string;
  readonly autoFocus?: boolean;
}) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const search = useRef(onSearch);
  search.current = onSearch;
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    // The text comes back from the address trimmed; a space at its end is that of the next word.
    const wanted = text.trim();
    if (wanted === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = wanted;
      search.current(wanted);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text]);
  return (
    <label className="search">
      <span className="visually-hidden">{label}</span>
      <Icon name="search" />
      <input
        type="search"
        value={text}
        placeholder={placeholder ?? label}
        autoComplete="off"
        spellCheck={false}
        autoFocus={autoFocus}
        data-search
        onChange={(event) => {
          setText(event.target.value);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

/** For the whole page: `/` outside a field focuses the first search box. */
export function listenForSlash(): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    const { activeElement } = document;
    if (activeElement?.closest('input, textarea, select, dialog')) return;
    const box = document.querySelector<HTMLInputElement>('main input[data-search]');
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  };
  document.addEventListener('keydown', listener);
  return () => {
    document.removeEventListener('keydown', listener);
  };
}
