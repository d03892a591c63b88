// What the unit of systemd sets for the daemon, for measurements of a daemon that something else starts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The variables that the unit of the checkout `root` sets for the daemon. */
export function unitVariables(root) {
  const unit = readFileSync(join(root, 'deploy', 'systemd', 'roomkin.service'), 'utf8');
  const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, line]) => line);
  const words = lines.flatMap((line) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare),
  );
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}
