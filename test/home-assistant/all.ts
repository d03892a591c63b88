// `npm run test:ha`: each program in turn, since each has a Home Assistant of its own; fails if any fails. Some also go through the
// locked door, in both versions of MQTT. ROOMKIN_HA_SECURE=5 or 4 sends all of them through it, each once.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { secureProtocol } from './harness.js';

const [open, overTls5, overTls4] = ['', '5', '4'];
const runs =
  secureProtocol === null
    ? [
        ['room', open],
        ['room', overTls5],
        ['examples', open],
        ['daemon', overTls4],
      ]
    : ['room', 'examples', 'daemon'].map((name) => [name, String(secureProtocol)]);

for (const [name, secure] of runs) {
  console.log(`# ${name}${secure ? ` over TLS, MQTT ${secure === '5' ? '5' : '3.1.1'}` : ''}`);
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const env = { ...process.env, ROOMKIN_HA_SECURE: secure };
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', program], { stdio: 'inherit', env });
  if (status !== 0) process.exitCode = 1;
}
