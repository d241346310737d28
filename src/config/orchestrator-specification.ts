/** What runs the replicas: processes of this machine, or the tasks of a Docker Swarm. */
import * as z from 'zod';

export const doorPortDefault = 8003;

/** Below, clocks that differ by minutes count; above, a certificate that was lost is good for longer than anybody wants. */
const certificateHoursMin = 0.25;
const certificateHoursMax = 8760;

export const orchestratorSettings = z
  .strictObject({
    kind: z
      .enum(['process', 'swarm'])
      .default('process')
      .describe(
        '`process`: replicas are processes of this machine. `swarm`: tasks of a Docker Swarm (docs/drivers/swarm.md).',
      ),
    socket: z
      .string()
      .default('/var/run/docker.sock')
      .describe('With `swarm`: socket of the Docker engine of a manager.'),
    image: z
      .string()
      .optional()
      .describe(
        'With `swarm`: the image that replicas run, which every node has or can pull; default `flyball:VERSION`.',
      ),
    door: z
      .strictObject({
        host: z.string().default('0.0.0.0').describe('Address to listen on.'),
        port: z.int().min(1).max(65_535).default(doorPortDefault),
        address: z.string().optional().describe('Where nodes reach it; default the address of the engine’s own node.'),
      })
      .prefault({})
      .describe('With `swarm`: where replicas fetch their models from control, by mutual TLS alone.'),
    certificateHours: z
      .number()
      .min(certificateHoursMin)
      .max(certificateHoursMax)
      .default(24)
      .describe(
        'How long a certificate of a replica of a Swarm, or of a gateway on another machine, lives. It is renewed after two thirds, so that control may be away for the rest.',
      ),
  })
  .prefault({});

export type OrchestratorSettings = z.infer<typeof orchestratorSettings>;

export const placementSettings = z
  .strictObject({
    constraints: z
      .array(z.string().regex(/^\s*[\w.-]+\s*(?:==|!=)\s*\S+\s*$/, 'expected a condition such as node.labels.zone==a'))
      .default([])
      .describe('Where replicas may be, in the words of the cluster; all must hold: `node.labels.zone==a`.'),
    spread: z
      .array(z.string().regex(/^(?:node|engine)\.labels\.[\w.-]+$/, 'expected a label such as node.labels.zone'))
      .default([])
      .describe('Spread evenly over the values of these labels: `node.labels.zone`.'),
  })
  .prefault({})
  .describe('Where replicas may be among the nodes of a cluster; on a single machine nothing.');
