// `npm run test:ha`: runs the programs in turn, because each has a Home Assistant of its own. Fails if any program fails. Some run
// again through the guarded listener, over TLS, with each version of MQTT. With ROOMKIN_HA_SECURE=5 or 4 all of them run through
// it, once each.
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
        ['corrections', open],
        ['daemon', overTls4],
      ]
    : ['room', 'examples', 'corrections', 'daemon'].map((name) => [name, String(secureProtocol)]);

for (const [name, secure] of runs) {
  console.log(`# ${name}${secure ? ` over TLS, MQTT ${secure === '5' ? '5' : '3.1.1'}` : ''}`);
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const env = { ...process.env, ROOMKIN_HA_SECURE: secure };
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', program], { stdio: 'inherit', env });
  if (status !== 0) process.exitCode = 1;
}
