/** The API's shapes for machines: this one, or the nodes of a cluster. */
import * as z from 'zod';

const share = z.number().nullable();

export const nodeView = z
  .object({
    name: z.string(),
    role: z.enum(['manager', 'worker']).nullable().describe('In a cluster; null: this machine alone.'),
    state: z
      .enum(['ready', 'down', 'unknown', 'disconnected'])
      .describe('Whether replicas can run on it, by the word of the managers.'),
    availability: z
      .enum(['active', 'pause', 'drain'])
      .describe('What it is to take: `pause`: no new replicas; `drain`: none at all.'),
    address: z.string().nullable().describe('At which its replicas are reached; null: this machine alone.'),
    labels: z.record(z.string(), z.string()).describe('For `placement`: `node.labels.NAME`.'),
    at: z.int().describe('Of the look; Unix milliseconds.'),
    cpu: z.object({
      cores: z
        .number()
        .nullable()
        .describe('Threads that can run at once, or less where the platform is limited to less.'),
      busyShare: share.describe('Of the time of all processors, 0 to 1.'),
      load1: z.number().nullable().describe('Mean of what runs and waits to run, over a minute.'),
      waitingShare: share.describe('Of the time, 0 to 1, in which something waited for a processor.'),
      reservedCores: z.number().nullable().describe('Promised to tasks, whoever’s; null: this machine promises none.'),
    }),
    memory: z.object({
      totalBytes: z.number().nullable().describe('Of the machine, or less where the platform is limited to less.'),
      usedBytes: z.number().nullable().describe('What could not be had without swapping.'),
      reservedBytes: z.number().nullable().describe('Promised to tasks, whoever’s.'),
    }),
    generic: z
      .record(z.string(), z.object({ total: z.number(), reserved: z.number() }))
      .describe('What only some nodes have, by kind: `gpu`.'),
    disk: z.object({
      path: z.string().nullable().describe('Of the data directory; sizes are those of its file system.'),
      totalBytes: z.number().nullable(),
      usedBytes: z.number().nullable().describe('What this user can not write any more.'),
      readBytesPerSecond: z.number().nullable().describe('Over all disks.'),
      writtenBytesPerSecond: z.number().nullable(),
    }),
    network: z.object({
      receivedBytesPerSecond: z.number().nullable().describe('Over all devices but loopback.'),
      sentBytesPerSecond: z.number().nullable(),
    }),
    replicas: z.array(
      z.object({
        id: z.string(),
        deployment: z.string(),
        cpuShare: share.describe('Of its allowance (resources.cpu, otherwise one core): 1 is all of it.'),
        memoryBytes: z.number().nullable(),
        reason: z.string().describe('Why it is on this one, as far as it can be known.'),
      }),
    ),
  })
  .describe('A machine. null: not known on this system or of this node, or not yet; never zero for it.');

export type NodeView = z.infer<typeof nodeView>;
