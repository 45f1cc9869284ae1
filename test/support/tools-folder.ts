/** The folder of the packages that few tests need, which are installed when the first of them runs. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export function toolsFolder(): string {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const printed = execFileSync(process.execPath, ['scripts/tools.mjs'], { stdio: [...stdio] });
  return printed.toString('utf8').trim();
}

/** A package of the tools. Its types are not installed, so the caller names what it uses of it. */
export function requireTool(name: string): unknown {
  return createRequire(join(toolsFolder(), 'package.json'))(name) as unknown;
}
