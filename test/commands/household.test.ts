// The commands that bring a key into another room, as a user types them.
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { runVerb } from '../helpers/cli.js';
import { at, errors, json, roomkin, writeConfig } from './place.js';

t.test('a key is created in one room and brought into the next', async (t) => {
  const off = await json('household');
  t.match(off.document, { household: 'home', shares: false, fingerprint: null });
  t.equal((await roomkin('household', '--show')).code, 78);
  t.notOk(existsSync(at('store', 'household-key')));

  const made = await roomkin('household', '--new');
  t.equal(made.code, 0, made.stderr);
  for (const line of made.stdout.split('\n')) t.ok(line.length <= 80, line);
  const [word = ''] = /^ {2}[\w-]{46}$/m.exec(made.stdout) ?? [];
  t.equal(statSync(at('store', 'household-key')).mode & 0o777, 0o600);
  t.equal((await roomkin('household', '--show')).stdout, `${word.trim()}\n`, 'alone, to be piped');
  const again = await roomkin('household', '--new');
  t.match(errors(again), [
    /^roomkin: KEY_FILE: this room has a household key already: run roomkin household --leave first$/,
  ]);

  const other = writeConfig('other.toml', at('other'));
  writeFileSync(at('word'), `${word}\n`);
  const joined = await runVerb(['household', '--join', '--from', at('word'), '--config', other]);
  t.equal(joined.code, 0, joined.stderr);
  t.equal(readFileSync(at('other', 'household-key'), 'utf8'), readFileSync(at('store', 'household-key'), 'utf8'));
  const document = JSON.parse((await runVerb(['household', '--json', '--config', other])).stdout);
  const here = (await json('household')).document;
  t.match(document, { household: 'home', shares: true, people: 0, forgotten: 0 });
  t.equal(document.fingerprint, here.fingerprint, 'both rooms show the same fingerprint');
  const second = await runVerb(['household', '--join', '--from', at('word'), '--config', other]);
  t.match(errors(second), [/KEY_FILE: this room has a household key already/]);

  const left = await runVerb(['household', '--leave', '--config', other]);
  t.match(left.stdout, /no longer shares its people/);
  t.notOk(existsSync(at('other', 'household-key')));
});

t.test('a mistyped key is refused and not stored', async (t) => {
  const other = writeConfig('third.toml', at('third'));
  const { stdout } = await roomkin('household', '--show');
  const word = stdout.trim();
  const slip = (word[7] === 'A' ? 'B' : 'A') + word.slice(8);
  for (const text of ['', word.slice(1), `${word.slice(0, 7)}${slip}`, 'f'.repeat(64)]) {
    writeFileSync(at('word'), text);
    const joined = await runVerb(['household', '--join', '--from', at('word'), '--config', other]);
    t.equal(joined.code, 78, text);
    t.match(errors(joined), [/KEY_FILE: that is not a household key: copy all letters/]);
    t.notOk(existsSync(at('third', 'household-key')));
  }
});

t.test('options cannot be combined, and the key comes from a terminal or a file', async (t) => {
  for (const words of [['--new', '--leave'], ['--from', 'x'], ['Ada']])
    t.equal((await roomkin('household', ...words)).code, 64, words.join(' '));
  const other = writeConfig('fourth.toml', at('fourth'));
  t.match(errors(await runVerb(['household', '--join', '--config', other])), [
    /USAGE: there is no terminal.*--from FILE/,
  ]);
});

t.test('check shows whether this room shares, and fails for a key that other users can read', async (t) => {
  const findings = (await json('check')).document.checks as { check: string; state: string; found: string }[];
  t.match(
    findings.find(({ check }) => check === 'household'),
    { state: 'ok', found: /shares its people with home, key [0-9a-f]{8}/ },
  );
  chmodSync(at('store', 'household-key'), 0o644);
  const open = (await json('check')).document.checks as typeof findings;
  t.match(
    open.find(({ check }) => check === 'household'),
    { state: 'fail', found: /mode 0644/ },
  );
});
