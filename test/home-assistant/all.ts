// `npm run test:ha`: each program in turn, since each has a Home Assistant of its own; fails if any fails.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

for (const name of ['room', 'examples', 'daemon']) {
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', program], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
