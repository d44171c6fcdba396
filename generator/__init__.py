"""Makes `clinik_client/_generated` from `openapi/clinik.yaml`. Used while developing; the SDK never imports it."""
