"""Makes a moto that has just started ready to judge: users and their keys, and some instances.

Prints the environment for the tests. Fails unless moto refuses what it should refuse.
"""
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
MAY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["ec2:*", "s3:*"], "Resource": "*"}}'
INSTANCES = 7


def main():
    [endpoint] = sys.argv[1:]
    key, powerless = make_users(client("iam", endpoint, ("nobody", "nothing")))
    expect_refusals(endpoint, key, powerless)
    run_instances(client("ec2", endpoint, key))
    for name, value in {
        "AWS_ACCESS_KEY_ID": key[0],
        "AWS_SECRET_ACCESS_KEY": key[1],
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_EC2": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "WELKIN_AWS_OTHER_ACCESS_KEY_ID": powerless[0],
        "WELKIN_AWS_OTHER_SECRET_ACCESS_KEY": powerless[1],
        "WELKIN_AWS_REFUSES": "others",
    }.items():
        print(f"export {name}={value}")


def make_users(iam):
    """Before there is anybody who may: its actions are free, and no others are."""
    iam.create_user(UserName="tester")
    iam.put_user_policy(UserName="tester", PolicyName="tester", PolicyDocument=MAY)
    tester = iam.create_access_key(UserName="tester")["AccessKey"]
    iam.create_user(UserName="powerless")
    powerless = iam.create_access_key(UserName="powerless")["AccessKey"]
    return [(key["AccessKeyId"], key["SecretAccessKey"]) for key in (tester, powerless)]


def expect_refusals(endpoint, key, powerless):
    for service, who, codes in [
        ("ec2", (key[0], key[1] + "x"), ["AuthFailure"]),
        ("s3", (key[0], key[1] + "x"), ["SignatureDoesNotMatch"]),
        ("ec2", powerless, ["UnauthorizedOperation", "AccessDenied"]),
        ("s3", powerless, ["AccessDenied"]),
    ]:
        asked = client(service, endpoint, who)
        try:
            asked.describe_instances() if service == "ec2" else asked.list_buckets()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in codes:
                raise
        else:
            sys.exit(f"moto does not refuse {who[0]} at {service}")


def run_instances(ec2):
    """All of them running, but for one that is stopped and one that is terminated."""
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    image = next(image for image in images if image.get("Architecture") == "x86_64" and image.get("Platform") != "windows")
    made = []
    for n in range(INSTANCES):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": f"seed-{n}"}]}]
        answer = ec2.run_instances(
            ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=tags
        )
        made.append(answer["Instances"][0]["InstanceId"])
    ec2.stop_instances(InstanceIds=[made[0]])
    ec2.terminate_instances(InstanceIds=[made[1]])


def client(service, endpoint, key):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


main()
