/** The API's shapes for machines: one today, and the shape is for many. */
import * as z from 'zod';

const share = z.number().nullable();

export const nodeView = z
  .object({
    name: z.string(),
    state: z.enum(['ready']).describe('Whether replicas can run on it.'),
    at: z.int().describe('Of the look; Unix milliseconds.'),
    cpu: z.object({
      cores: z.number().describe('Threads that can run at once, or less where the platform is limited to less.'),
      busyShare: share.describe('Of the time of all processors, 0 to 1.'),
      load1: z.number().nullable().describe('Mean of what runs and waits to run, over a minute.'),
      waitingShare: share.describe('Of the time, 0 to 1, in which something waited for a processor.'),
    }),
    memory: z.object({
      totalBytes: z.number().nullable().describe('Of the machine, or less where the platform is limited to less.'),
      usedBytes: z.number().nullable().describe('What could not be had without swapping.'),
    }),
    disk: z.object({
      path: z.string().describe('Of the data directory; sizes are those of its file system.'),
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
      }),
    ),
  })
  .describe('A machine. null: not known on this system, or not yet; never zero for it.');

export type NodeView = z.infer<typeof nodeView>;
