/** The alerts and the expressions of the dashboard, as deploy/ has them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const RULES_FILE = 'deploy/prometheus/stockade.rules.yml';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

export const ALERTS: readonly Alert[] = (
  parse(readFileSync(RULES_FILE, 'utf8')) as { groups: { rules: Alert[] }[] }
).groups.flatMap(({ rules }) => rules);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

export interface PanelExpression {
  readonly title: string;
  readonly expr: string;
}

export const DASHBOARD: readonly PanelExpression[] = (
  JSON.parse(readFileSync('deploy/grafana/stockade.json', 'utf8')) as { panels: Panel[] }
).panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
