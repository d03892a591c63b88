// roomkin setup without a terminal, and with one, against real brokers: what it writes, and that it writes nothing before a login works.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { loadConfig } from '../../src/config/load.js';
import { startAedes, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { type CliResult, runVerb } from '../helpers/cli.js';
import { passwordLine } from '../helpers/credentials.js';

const setup = (config: string, ...args: string[]): Promise<CliResult> =>
  runVerb(['setup', '--config', config, '--without-start', ...args]);
const mode = (path: string): number => statSync(path).mode & 0o777;

t.test('a script gives room and broker; the configuration is complete and private', async (t) => {
  await using broker = await startAedes();
  const config = join(t.testdir(), 'etc', 'config.toml');
  const { code, stdout, stderr } = await setup(
    config,
    '--room',
    'kitchen',
    '--name',
    'Küche "1"',
    '--mqtt',
    ` "${broker.url.replace('mqtt://', '')}/"`,
  );
  t.equal(code, 0, stderr);
  t.match(stdout, /accepts MQTT/);
  const written = loadConfig(config);
  t.match(written.room, { id: 'kitchen', name: 'Küche "1"' });
  t.match(written.mqtt, { url: broker.url, username: null, passwordFile: null });
  t.equal(mode(config) & 0o007, 0, 'not readable for others');
  t.same(readdirSync(join(config, '..')), ['config.toml']);
});

t.test('a login is tried at once, and nothing is written before it works', { skip: withoutMosquitto }, async (t) => {
  const lines = ['password_file FOLDER/users', 'allow_anonymous false'];
  await using broker = await startMosquitto({ lines, files: { users: passwordLine('kitchen', 'pass"w\\ord') } });
  const folder = t.testdir({ right: 'pass"w\\ord\n', wrong: 'guess\n' });
  const config = join(folder, 'etc', 'config.toml');
  const common = ['--room', 'kitchen', '--mqtt', broker.url];
  for (const args of [[], ['--username', 'kitchen', '--password-file', join(folder, 'wrong')]]) {
    const { code, stderr } = await setup(config, ...common, ...args);
    t.equal(code, 69);
    t.match(stderr, /BROKER: .*wrong user name or password.*nothing was written/);
    t.notOk(existsSync(config));
  }
  const args = ['--username', 'kitchen', '--password-file', join(folder, 'right')];
  const { code, stderr } = await setup(config, ...common, ...args);
  t.equal(code, 0, stderr);
  const { mqtt } = loadConfig(config);
  t.match(mqtt, { username: 'kitchen', password: null, passwordFile: join(folder, 'etc', 'mqtt-password') });
  t.equal(readFileSync(mqtt.passwordFile!, 'utf8'), 'pass"w\\ord\n');
  t.equal(mode(mqtt.passwordFile!) & 0o007, 0);
  t.notMatch(readFileSync(config, 'utf8'), /pass"w|ord\n/);
});

t.test('an existing configuration is not replaced without an answer, and is kept', async (t) => {
  await using broker = await startAedes();
  const config = join(t.testdir({ 'config.toml': 'mine' }), 'config.toml');
  const common = ['--room', 'kitchen', '--mqtt', broker.url];
  const refused = await setup(config, ...common);
  t.equal(refused.code, 64);
  t.match(refused.stderr, /exists: add --yes to replace it/);
  t.equal(readFileSync(config, 'utf8'), 'mine');
  t.equal((await setup(config, ...common, '--yes')).code, 0);
  t.equal(loadConfig(config).room.id, 'kitchen');
  t.equal(readFileSync(`${config}.old`, 'utf8'), 'mine');
});

t.test('bad input is refused with what to do, and nothing is written', async (t) => {
  const folder = t.testdir({});
  const config = join(folder, 'config.toml');
  const url = 'mqtt://127.0.0.1:1';
  const bad: [args: string[], code: number, message: RegExp][] = [
    [[], 64, /no terminal to ask on: give --room and --mqtt/],
    [['--room', 'kitchen'], 64, /give --room and --mqtt/],
    [['--room', '../x', '--mqtt', url], 64, /--room: use 1 to 32 of a-z/],
    [['--room', 'nobody', '--mqtt', url], 64, /--room: this word has a meaning/],
    [['--room', 'kitchen', '--mqtt', 'http://x:8123'], 64, /--mqtt: .*web pages.*write mqtt:\/\/x:1883/],
    [['--room', 'kitchen', '--mqtt', 'mqtt://x:0'], 64, /--mqtt: the port must be/],
    [
      ['--room', 'kitchen', '--mqtt', 'mqtt://u:p@x'],
      64,
      /--mqtt: give user and password with --username and --password-file/,
    ],
    [['--room', 'kitchen', '--name', '', '--mqtt', url], 64, /--name: use 1 to 64/],
    [['--room', 'kitchen', '--mqtt', url, '--password-file', '/dev/null'], 64, /--password-file needs --username/],
    [['--room', 'kitchen', '--mqtt', url, '--username', 'x'], 64, /add --password-file FILE/],
    [
      ['--room', 'kitchen', '--mqtt', url, '--username', 'x', '--password-file', join(folder, 'no')],
      64,
      /cannot be read/,
    ],
    [['--room', 'kitchen', '--mqtt', url], 69, /BROKER: .*nobody listens there.*nothing was written/],
  ];
  for (const [args, expected, message] of bad) {
    const { code, stderr } = await setup(config, ...args);
    t.equal(code, expected, args.join(' '));
    t.match(stderr, message);
  }
  t.same(readdirSync(folder), []);
});

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

/** Types `answers` at the questions of `roomkin setup` on a terminal. */
async function typed(config: string, answers: readonly (readonly [question: RegExp, answer: string])[]) {
  const cli = join(packageRoot, '.test-build', 'src', 'cli.js');
  const start = 'import(process.argv[1]).then(({ main }) => main(process.argv.slice(2)))';
  const program = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const wide = ['sh', '-c', 'stty cols 120 && exec "$@"', 'sh'];
  const args = [...wide, process.execPath, '-e', start, '--', cli, 'setup', '--config', config, '--without-start'];
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let unread = '';
  child.stdout.on('data', (bytes: Buffer) => {
    shown += bytes;
    unread += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for (const [question, answer] of answers) {
    await waitFor(
      () => question.test(unread),
      60_000,
      () => `no question ${question}: ${shown}`,
    );
    unread = '';
    child.stdin.write(answer);
  }
  return { code: await ended, shown };
}

t.test('on a terminal it asks again until the broker accepts', { skip: withoutMosquitto || !hasPython }, async (t) => {
  const lines = ['password_file FOLDER/users', 'allow_anonymous false'];
  await using broker = await startMosquitto({ lines, files: { users: passwordLine('kitchen', 'secret') } });
  const config = join(t.testdir({}), 'config.toml');
  const { code, shown } = await typed(config, [
    [/Id of this room.*: /, 'Kitchen!\r'],
    [/use 1 to 32[\s\S]*Id of this room.*: /, 'kitchen\r'],
    [/Its name in Home Assistant \[Kitchen\]: /, '\r'],
    [/(Broker, as a number or an address \[.*\]|Address of the broker): /, `${broker.url}\r`],
    [/Settings > People > Users[\s\S]*User at the broker: /, 'kitchen\r'],
    [/Password of kitchen: /, 'guess\r'],
    [/wrong user name or password[\s\S]*User at the broker: /, 'kitchen\r'],
    [/Password of kitchen: /, 'secret\r'],
  ]);
  t.equal(code, 0, shown);
  t.notMatch(shown, /guess|secret/, 'passwords are not shown');
  t.match(loadConfig(config), { room: { id: 'kitchen', name: 'Kitchen' }, mqtt: { username: 'kitchen' } });
});

t.test('Ctrl-C leaves nothing behind', { skip: !hasPython }, async (t) => {
  const folder = t.testdir({});
  const { code } = await typed(join(folder, 'config.toml'), [
    [/Id of this room.*: /, 'kitchen\r'],
    [/Its name in Home Assistant/, '\u0003'],
  ]);
  t.equal(code, 130);
  t.same(readdirSync(folder), []);
  writeFileSync(join(folder, 'config.toml'), '[room]\nid = "attic"\n');
  const kept = await typed(join(folder, 'config.toml'), [[/configuration of room attic\. Replace it\?/, 'n\r']]);
  t.equal(kept.code, 0);
  t.equal(readFileSync(join(folder, 'config.toml'), 'utf8'), '[room]\nid = "attic"\n');
});
