from support.job_workspace import JobWorkspace

SECRET = "hunter2secret"


def test_a_job_whose_clips_go_to_a_bucket_keeps_its_records_in_the_usual_directory(
    workspace: JobWorkspace,
) -> None:
    job = workspace.job(
        "model: m\nname: spring\nprompts: [p]\noutput:\n  dir: s3://clips/spring/\n"
        "  public: https://cdn.example.com/{path}\n"
    )
    assert job.bucket == "s3://clips/spring"
    assert job.public == "https://cdn.example.com/{path}"
    assert job.output_dir == workspace.folder / "outputs" / "spring"


def test_credentials_in_an_address_are_refused_with_their_line_and_never_shown(
    workspace: JobWorkspace,
) -> None:
    said = str(
        workspace.problems(f"model: m\nprompts: [p]\noutput:\n  dir: s3://a:{SECRET}@clips/x\n")[0]
    )
    assert ":4" in said
    assert "output.dir" in said
    assert "holds no credentials" in said
    assert SECRET not in said


def test_a_public_address_needs_a_bucket(workspace: JobWorkspace) -> None:
    said = str(
        workspace.problems(
            "model: m\nprompts: [p]\noutput: {dir: out, public: 'https://cdn.example.com/{path}'}\n"
        )[0]
    )
    assert "output.public" in said


def test_a_directory_that_lacks_a_slash_of_a_bucket_is_pointed_out(
    workspace: JobWorkspace,
) -> None:
    job = workspace.job("model: m\nprompts: [p]\noutput: {dir: 's3:/clips/spring'}\n")
    assert job.bucket is None
    assert any("for a bucket write s3://clips/spring" in said for said in job.warnings)


def test_a_usual_directory_is_not_taken_for_a_bucket(workspace: JobWorkspace) -> None:
    job = workspace.job("model: m\nprompts: [p]\noutput: {dir: renders/s3}\n")
    assert not job.warnings
