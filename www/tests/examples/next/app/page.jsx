import { Cutout } from "./cutout.jsx";

// Rendered on the server: the import of headwater is safe there, and nothing of it runs.
export default function Page() {
  return <Cutout source="/photo.webp" />;
}
