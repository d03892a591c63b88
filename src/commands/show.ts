// roomkin show: what is kept about one person.
import { exactly, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { configuredSpace, openGallery } from './parts.js';

export const command: Command = {
  usage: 'show NAME',
  summary: 'Show what is kept about a person.',
  async run(argv, io) {
    const [asked] = exactly(parseArguments(argv, command.usage, {}).positionals, 1, command.usage);
    const space = configuredSpace(io);
    using store = openGallery(io);
    const { id, name, createdAtMs, templates } = store.find(asked!);
    const since = new Date(createdAtMs).toISOString();
    io.out(`${name} (${id}), enrolled ${since.slice(0, 10)}, ${templates.length} looks:`);
    const width = Math.max(...templates.map((template) => String(template.id).length));
    for (const { quality, createdAtMs: at, ...template } of templates) {
      const eyes = `eyes ${Math.round(quality.eyesPx)} px`;
      const pose = `turned ${Math.round(quality.yawDegrees)} aside ${Math.round(quality.pitchDegrees)} up`;
      const other = template.space === space ? '' : `, of another model (${template.space})`;
      const picture = `sharpness ${quality.sharpness.toFixed(2)}, light ${quality.light.toFixed(2)}`;
      io.out(
        `  ${String(template.id).padStart(width)}  ${new Date(at).toISOString().slice(0, 10)}  ${eyes}, ${pose}, ${picture}${other}`,
      );
    }
    io.document({
      person: id,
      name,
      since,
      templates: templates.map(({ id: number, space: ofSpace, quality, createdAtMs: at }) => ({
        id: number,
        space: ofSpace,
        quality,
        since: new Date(at).toISOString(),
      })),
    });
  },
};
