// config.example.toml is the documentation of the configuration: it loads, and it shows every key with its true default.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { packageRoot } from '../../src/base/files.js';
import { loadConfig, parseConfig, parseToml, sectionKeys } from '../../src/config/load.js';
import { sections } from '../../src/config/schema.js';

interface Schema {
  readonly properties: Record<string, { readonly properties: Record<string, { readonly default?: unknown }> }>;
}

const path = join(packageRoot, 'config.example.toml');
const text = readFileSync(path, 'utf8');
/** The file with every commented key switched on. A key's line starts with `#` and no space; prose has the space. */
const allOn = text.replaceAll(/^#(?=[a-z_]+ = )/gm, '');
const shown = parseToml(allOn).value as Record<string, Record<string, unknown>>;
const schema = z.toJSONSchema(sections, { io: 'input' }) as unknown as Schema;

t.test('it loads as it is and gives the defaults', async (t) => {
  t.same(loadConfig(path), parseConfig('[room]\nid = "living_room"\n', 'x'));
});

t.test('it shows every section and key of the schema, and no others, in the same order', async (t) => {
  t.same(Object.keys(shown), Object.keys(sections.shape));
  const former = ['hold_seconds']; // still accepted, no longer shown
  for (const section of Object.keys(shown)) {
    const keys = sectionKeys(section).filter((key) => !former.includes(key));
    t.same(Object.keys(shown[section]!), keys, section);
  }
});

t.test('a key with a default shows that default', async (t) => {
  let defaults = 0;
  for (const [section, { properties }] of Object.entries(schema.properties)) {
    for (const [key, property] of Object.entries(properties)) {
      // The settings of the camera programs have no defaults.
      if (!('default' in property) || key === 'options') continue;
      defaults += 1;
      t.same(shown[section]?.[key], property.default, `${section}.${key}`);
    }
  }
  t.ok(defaults > 25, `${defaults} keys have a default`);
});

t.test('the examples of keys without a default are allowed', async (t) => {
  const onePassword = allOn.replace(/^password = .*$/m, '');
  // Keys of one kind of camera.
  const piOnly = onePassword.replaceAll(/^(aspect|input_format|rtsp_transport) = .*$/gm, '');
  t.doesNotThrow(() => parseConfig(piOnly, path));
  const noPi = onePassword
    .replaceAll(/^(autofocus_.*|lens_.*|awb.*|flicker_.*|exposure|shutter|gain|ev|metering|denoise) = .*$/gm, '')
    .replace('source = "libcamera"', 'source = "ffmpeg"');
  t.doesNotThrow(() => parseConfig(noPi.replace(/^rtsp_transport = .*$/m, ''), path));
  const network = noPi.replace(/^input_format = .*$/m, '').replace('"/dev/video0"', '"rtsp://cam.lan/live"');
  t.doesNotThrow(() => parseConfig(network, path));
});

t.test('it shows every setting of the camera programs', async (t) => {
  t.same(Object.keys(shown['camera']!['options'] as object), sectionKeys('camera', 'options'));
});
