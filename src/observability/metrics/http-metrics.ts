/** Prometheus metrics of the HTTP server: requests by route and status. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { FinishedRequest } from '#http/server/finished-request-hook';
import { requestSecondsBuckets } from './metric-buckets.ts';

export function createHttpMetrics(registry: Registry): (exchange: FinishedRequest) => void {
  const registers = [registry];
  const requests = new Counter({
    name: 'gatehouse_http_requests_total',
    help: 'Requests by route and status; streams count when they have ended',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'gatehouse_http_request_seconds',
    help: 'Time from a request to its whole answer; without streams',
    labelNames: ['method', 'route'],
    buckets: requestSecondsBuckets,
    registers,
  });
  return ({ method, route, status, ms, isStream }) => {
    requests.inc({ method, route, status: String(status) });
    if (!isStream) seconds.observe({ method, route }, ms / 1000);
  };
}
