/** Light, dark, or as the system has it. The choice is kept by this browser. */
import { Store, useStore } from '../api/store';
import { Icon } from './icon';

const KEY = 'stockade.theme';
const CHOICES = ['system', 'light', 'dark'] as const;
type Theme = (typeof CHOICES)[number];

const theme = new Store<Theme>(readTheme());
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

function readTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return CHOICES.find((choice) => choice === kept) ?? 'system';
}

/** Grows with each change of colours: canvases are drawn anew. */
export const colours = new Store(0);

/** Once, before anything is drawn. */
export function startTheme(): void {
  systemIsDark.addEventListener('change', applyTheme);
  applyTheme();
}

function applyTheme(): void {
  const chosen = theme.get();
  const isDark = chosen === 'system' ? systemIsDark.matches : chosen === 'dark';
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  colours.set(colours.get() + 1);
}

export function ThemeToggle() {
  const chosen = useStore(theme);
  const next = CHOICES[(CHOICES.indexOf(chosen) + 1) % CHOICES.length] ?? 'system';
  return (
    <button
      className="button button-quiet button-icon"
      type="button"
      aria-label={`Colours: ${chosen}. Change to ${next}.`}
      title={`Colours: ${chosen}`}
      onClick={() => {
        localStorage.setItem(KEY, next);
        theme.set(next);
        applyTheme();
      }}
    >
      <Icon name={chosen} />
    </button>
  );
}
