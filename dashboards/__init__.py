"""The screens: Streamlit pages that read rolled-up tables and never compute a score."""
