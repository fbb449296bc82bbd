"""The packages by their purpose."""
