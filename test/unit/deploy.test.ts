/** What deploy/ says agrees with the code: metrics, runbooks, variables, probes, and the time that a stop takes. */
import { readFileSync, readdirSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { SETTINGS } from '../../src/settings.js';
import { ALERTS, DASHBOARD } from '../support/deployed-monitoring.js';

const KUBERNETES = 'deploy/kubernetes';
const DOCUMENTED_METRICS = new Set(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(stockade_\w+)`/gm)].map(
    ([, name]) => name,
  ),
);
const RUNBOOK = readFileSync('docs/operations.md', 'utf8');

test('each alert has its heading in the runbook, its link points there, and no heading is of no alert', () => {
  const headings = [...RUNBOOK.matchAll(/^### (Stockade\w+)$/gm)].map(([, name]) => name);
  expect(headings.sort()).toEqual(ALERTS.map(({ alert }) => alert).sort());
  for (const { alert, annotations, labels } of ALERTS) {
    expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(annotations.summary).toMatch(/\.$/);
    expect(['critical', 'warning']).toContain(labels.severity);
  }
});

test('each alert is shown to fire, and to be quiet', () => {
  const { tests } = parse(readFileSync('deploy/prometheus/stockade.rules.test.yml', 'utf8')) as {
    tests: { name: string }[];
  };
  const shown = tests.map(({ name }) => name).sort();
  expect(shown).toEqual(
    ALERTS.flatMap(({ alert }) => [`${alert} fires`, `${alert} is quiet`]).sort(),
  );
});

test('the rules and the dashboard name only metrics of docs/metrics.md', () => {
  const expressions = [...ALERTS.map(({ expr }) => expr), ...DASHBOARD.map(({ expr }) => expr)];
  const names = expressions.flatMap((expr) => expr.match(/\bstockade_\w+/g) ?? []);
  expect(names.length).toBeGreaterThan(40);
  const unknown = names
    .map((name) => name.replace(/_(bucket|sum|count)$/, ''))
    .filter((name) => !DOCUMENTED_METRICS.has(name));
  expect(unknown).toEqual([]);
});

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly {
    readonly name: string;
    readonly valueFrom: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: string[] } } };
  readonly resources: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
  readonly securityContext: Readonly<Record<string, unknown>>;
}

interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly [Container];
    readonly terminationGracePeriodSeconds?: number;
    readonly securityContext: Readonly<Record<string, unknown>>;
  };
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
  readonly stringData: Readonly<Record<string, string>>;
  readonly resources: readonly string[];
  readonly spec: {
    readonly template: PodTemplate;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly ports: readonly { readonly targetPort: string }[];
    readonly maxUnavailable: number;
    readonly replicas: number;
  };
}

const MANIFESTS = readdirSync(KUBERNETES).flatMap((file) =>
  parseAllDocuments(readFileSync(`${KUBERNETES}/${file}`, 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return { file, manifest: document.toJS() as Manifest };
  }),
);

function manifest(kind: string): Manifest {
  const found = MANIFESTS.filter((each) => each.manifest.kind === kind);
  const [one, ...others] = found;
  if (!one || others.length > 0) throw new Error(`There are ${found.length} of ${kind}.`);
  return one.manifest;
}

const VARIABLES = Object.values(SETTINGS).map(({ variable }): string => variable);

test('the manifests set only variables that the settings have, to values that they take', () => {
  const { data } = manifest('ConfigMap');
  const { stringData } = manifest('Secret');
  const given = { ...data, ...stringData };
  for (const [name, value] of Object.entries(given)) {
    const setting = Object.values(SETTINGS).find(({ variable }) => variable === name);
    expect({ name, isKnown: setting !== undefined }).toEqual({ name, isKnown: true });
    expect(setting?.parser.safeParse(value).success).toBe(true);
  }
  for (const kind of ['Deployment', 'Job']) {
    const [{ env }] = manifest(kind).spec.template.spec.containers;
    for (const { name, valueFrom } of env) {
      expect(VARIABLES).toContain(name);
      expect(valueFrom.secretKeyRef.name).toBe(manifest('Secret').metadata.name);
      expect(Object.keys(stringData)).toContain(valueFrom.secretKeyRef.key);
    }
  }
  const [server] = manifest('Deployment').spec.template.spec.containers;
  expect(server.envFrom).toEqual([{ configMapRef: { name: manifest('ConfigMap').metadata.name } }]);
});

test('probes ask what the server serves, at the port at which it listens', () => {
  const [server] = manifest('Deployment').spec.template.spec.containers;
  const [port] = server.ports ?? [];
  expect(String(port?.containerPort)).toBe(manifest('ConfigMap').data.PORT);
  const routes = readFileSync('src/http/server.ts', 'utf8');
  for (const { httpGet } of [server.startupProbe, server.livenessProbe, server.readinessProbe]) {
    expect(routes).toContain(`'${httpGet.path}'`);
    expect(httpGet.port).toBe(port?.name);
  }
  expect(server.livenessProbe.httpGet.path).toBe('/live');
  expect(server.readinessProbe.httpGet.path).toBe('/ready');
  expect(manifest('Service').spec.ports.map(({ targetPort }) => targetPort)).toEqual([port?.name]);
});

test('a pod gets the time that its pause, its delay and its grace take together', () => {
  const { spec } = manifest('Deployment').spec.template;
  const [program, pause] = spec.containers[0].lifecycle.preStop.exec.command;
  expect(program).toBe('sleep');
  const { SHUTDOWN_DELAY_MS: delayMs, SHUTDOWN_GRACE_MS: graceMs } = manifest('ConfigMap').data;
  const needed = Number(pause) + (Number(delayMs) + Number(graceMs)) / 1_000;
  expect(needed).toBeGreaterThan(10);
  expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(needed);
});

test('pods are selected by their own labels, are not root, write nothing, and have bounds of memory', () => {
  const { spec } = manifest('Deployment');
  const budget = manifest('PodDisruptionBudget').spec;
  for (const { matchLabels } of [spec.selector, budget.selector]) {
    expect(spec.template.metadata.labels).toMatchObject(matchLabels);
    expect(manifest('Job').spec.template.metadata.labels).not.toMatchObject(matchLabels);
  }
  expect(budget.maxUnavailable).toBeLessThan(spec.replicas);
  for (const kind of ['Deployment', 'Job']) {
    const pod = manifest(kind).spec.template.spec;
    const [container] = pod.containers;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(Object.keys(container.resources.requests).sort()).toEqual(['cpu', 'memory']);
    expect(Object.keys(container.resources.limits)).toEqual(['memory']);
  }
});

test('the migration is the command of the image, and the kustomization applies all but the example', () => {
  const [{ command }] = manifest('Job').spec.template.spec.containers;
  const image = readFileSync('Dockerfile', 'utf8');
  const [, start = '[]'] = /^CMD (\[.*"start"\])$/m.exec(image) ?? [];
  const program = (JSON.parse(start) as string[]).at(-2);
  expect(command).toEqual(['node', program, 'migrate']);
  const files = readdirSync(KUBERNETES).filter((file) => !/example|kustomization/.test(file));
  expect([...manifest('Kustomization').resources].sort()).toEqual(files.sort());
});

interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
}

test('the profile `monitoring` adds Prometheus and Grafana of exact versions, with files that exist', () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8')) as {
    services: Record<string, ComposeService>;
  };
  const monitoring = Object.entries(services).filter(([, { profiles }]) =>
    profiles?.includes('monitoring'),
  );
  expect(monitoring.map(([name]) => name)).toEqual(['prometheus', 'grafana']);
  for (const [, { image, volumes = [] }] of monitoring) {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const volume of volumes.filter((each) => each.startsWith('./'))) {
      const [path = ''] = volume.split(':');
      expect(
        readdirSync('deploy', { recursive: true }).map((name) => `./deploy/${String(name)}`),
      ).toContain(path);
    }
  }
  const { scrape_configs: scraped } = parse(
    readFileSync('deploy/prometheus/prometheus.yml', 'utf8'),
  ) as { scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] };
  expect(scraped).toEqual([{ job_name: 'stockade', static_configs: [{ targets: ['api:4000'] }] }]);
});
