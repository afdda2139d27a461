/** A response whose body fails when it is larger than `bytesMax`. */
export function boundedResponse(response: Response, bytesMax: number): Response {
  if (response.body === null) return response;
  let size = 0;
  const bounded = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size > bytesMax) {
          controller.error(new Error(`an answer of more than ${bytesMax} bytes`));
        } else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  const copy = new Response(bounded, { status, statusText, headers });
  Object.defineProperty(copy, 'url', { value: response.url });
  return copy;
}
