// config.example.toml is the documentation of the configuration: it loads, and it shows every key with its true default.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { loadConfig, parseConfig, parseToml } from '../../src/config/load.js';
import { configSchema } from '../../src/config/schema.js';

const path = join(packageRoot, 'config.example.toml');
const text = readFileSync(path, 'utf8');
/** The file with every commented key switched on. A key's line starts with `#` and no space; prose has the space. */
const allOn = text.replaceAll(/^#(?=[a-z_]+ = )/gm, '');
const shown = parseToml(allOn).value as Record<string, Record<string, unknown>>;
const defaults = configSchema.parse({ room: { id: 'living_room' } }) as Record<string, Record<string, unknown>>;

function schemaKeys(section: string): string[] {
  let schema = (configSchema.shape as Record<string, unknown>)[section] as {
    shape?: object;
    def: { innerType?: unknown };
  };
  while (!schema.shape) schema = schema.def.innerType as typeof schema;
  return Object.keys(schema.shape);
}

t.test('it loads as it is and means the defaults', async (t) => {
  t.same(loadConfig(path), parseConfig('[room]\nid = "living_room"\n', 'x'));
});

t.test('it shows every section and key of the schema, and no other, in the same order', async (t) => {
  t.same(Object.keys(shown), Object.keys(configSchema.shape));
  for (const section of Object.keys(shown)) t.same(Object.keys(shown[section]!), schemaKeys(section), section);
});

t.test('a key with a default shows that default', async (t) => {
  for (const [section, keys] of Object.entries(defaults)) {
    for (const [key, value] of Object.entries(keys)) t.same(shown[section]?.[key], value, `${section}.${key}`);
  }
});

t.test('the examples of keys without a default are allowed', async (t) => {
  const onePassword = allOn.replace(/^password = .*$/m, '');
  t.doesNotThrow(() => parseConfig(onePassword, path));
});
