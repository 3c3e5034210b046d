"use client";

import { useCutout } from "./use-cutout.js";

export function Cutout({ source }) {
  const { url, progress, error } = useCutout(source, { server: "/", size: 64 });
  if (error) return <p role="alert">{error.message}</p>;
  if (url) return <img alt="Cut-out" src={url} />;
  return <p role="status">{progress?.stage ?? "starting"}</p>;
}
