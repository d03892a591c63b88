// A folder whose path is short enough for a Unix socket in it (107 bytes); the paths of tap's test folders are too long.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder, removed after the test. */
export function shortFolder(t: { teardown(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'rk-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
